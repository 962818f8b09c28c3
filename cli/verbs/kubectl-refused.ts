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
  refused("auth reconcile", "apply does it"),
  refused("config set", CONTEXTS),
  refused("config unset", CONTEXTS),
  refused("config set-cluster", CONTEXTS),
  refused("config set-credentials", CONTEXTS),
];
