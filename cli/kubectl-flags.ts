/** How a flag that is taken without effect is written: alone or with "=", or with a value that may be the next word. */
type Form = "switch" | "value";

/**
 * Flags of kubectl that ask for nothing here, because it is so anyway or there is no such thing: any verb takes them, so that scripts run as they are. Those that would
 * change what happens are not among them.
 */
export const WITHOUT_EFFECT: Readonly<Record<string, Form>> = {
  // Templates always show what is missing as kubectl does.
  "allow-missing-template-keys": "switch",
  "cache-dir": "value",
  cached: "switch",
  // Lists come in one piece.
  "chunk-size": "value",
  concurrency: "value",
  "disable-compression": "switch",
  "field-manager": "value",
  "log-flush-frequency": "value",
  "match-server-version": "switch",
  "max-log-requests": "value",
  "openapi-patch": "switch",
  "pod-running-timeout": "value",
  retries: "value",
  "save-config": "switch",
  "server-print": "switch",
  short: "switch",
  "show-managed-fields": "switch",
  "use-protocol-buffers": "switch",
  // Files are always checked whole.
  validate: "switch",
};

/** Flags of kubectl that would change what happens and are not offered, and what does it here. */
export const NOT_OFFERED: Readonly<Record<string, string>> = {
  as: "certificates say who one is: choose another context",
  "as-group": "certificates say who one is: choose another context",
  "as-uid": "certificates say who one is: choose another context",
  "certificate-authority": "contexts hold it: --context, --config",
  "client-certificate": "contexts hold it: --context, --config",
  "client-key": "contexts hold it: --context, --config",
  cluster: "choose a context: --context",
  "insecure-skip-tls-verify": "servers are always verified",
  kubeconfig: "the context file is named with --config, or TSCTL_CONFIG",
  "output-watch-events": "each change is a line; what is deleted is shown as it was last",
  password: "users are known by certificates",
  raw: "the API is gRPC and has no paths",
  "delete-local-data": "its name is --delete-emptydir-data",
  record: "name the cause by hand: tsctl annotate TYPE NAME kubernetes.io/change-cause=TEXT",
  server: "contexts hold it: --context, --config",
  "tls-server-name": "contexts hold it: --context, --config",
  token: "users are known by certificates",
  user: "choose a context: --context",
  username: "users are known by certificates",
};
