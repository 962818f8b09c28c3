import type { VerbRow } from "../verb.js";

/** A verb of kubectl's that is not there. */
function refused(name: string, instead: string): VerbRow {
  const load = async () => (await import("./not-offered.js")).notOffered(name, instead);
  return { name, summary: "not offered", isHidden: true, load };
}

const CONTEXTS =
  "the context file is YAML to be edited; config view tells where it is, config set-context sets a namespace";

/** Verbs that kubectl's users may type and that are not offered, each with what does it here. */
export const KUBECTL_REFUSED: readonly VerbRow[] = [
  refused("proxy", "the API is gRPC and wants a certificate; port-forward leads to pods and services"),
  refused("certificate", "the cluster's certificates come from tallshipd init and join"),
  refused("plugin", "tsctl has no plugins; any program may call it"),
  refused("options", "help VERB tells the flags of a verb"),
  refused("apply view-last-applied", "diff -f FILE tells what differs, undo --list which sets were applied"),
  refused("apply set-last-applied", "apply keeps what was applied by itself"),
  refused("apply edit-last-applied", "apply keeps what was applied by itself"),
  refused("cluster-info dump", "get, describe and logs tell all that there is"),
  refused("config get-clusters", "config get-contexts lists clusters and contexts, which are one"),
  refused("config get-users", "the certificate of a context is its user: auth whoami"),
  refused("auth reconcile", "apply does it"),
  refused("config set", CONTEXTS),
  refused("config unset", CONTEXTS),
  refused("config set-cluster", CONTEXTS),
  refused("config set-credentials", CONTEXTS),
];
