import { INGRESS_CONTROLLER } from "../../kinds/ingress.js";
import type { Typed } from "../../kinds/object.js";
import { systemPriorityClasses } from "../../kinds/priority.js";
import { DEFAULT_CLASS, LOCAL_PROVISIONER } from "../../kinds/storage.js";
import { hasCode } from "../../lib/errors.js";
import { IngressClass } from "../../proto/gen/tallship/v1/ingress.js";
import { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import { StorageClass } from "../../proto/gen/tallship/v1/storageclass.js";
import { type ObjectsDeps, taskContext } from "./objects-deps.js";
import { createTask } from "./tasks/create.js";
import { SYSTEM_NAMESPACES } from "./tasks/delete.js";
import { runTask } from "./write/writer.js";

/** Creates the namespaces, priority classes the storage class and the ingress class that every cluster has. Every replica does it at its start; who comes second changes nothing. */
export async function ensureSystemObjects(deps: ObjectsDeps, signal: AbortSignal): Promise<void> {
  const namespaces = SYSTEM_NAMESPACES.map(
    (name): Typed => ({ kind: "Namespace", object: Namespace.fromPartial({ metadata: { name } }) }),
  );
  const priorities = systemPriorityClasses().map((object): Typed => ({ kind: "PriorityClass", object }));
  for (const typed of [...namespaces, ...priorities, localClass, ingressClass]) {
    await runTask(deps, createTask(typed, taskContext(deps)), signal).catch((error: unknown) => {
      if (!hasCode(error, "already_exists")) throw error;
    });
  }
}

/** Folders on the node of the first pod. A user may make another class the default: what stands there is not changed. */
const localClass: Typed = {
  kind: "StorageClass",
  object: StorageClass.fromPartial({
    metadata: { name: "local", annotations: { [DEFAULT_CLASS]: "true" } },
    provisioner: LOCAL_PROVISIONER,
    reclaimPolicy: "Delete",
    volumeBindingMode: "WaitForFirstConsumer",
  }),
};

/** The class of ingresses that name none. */
const ingressClass: Typed = {
  kind: "IngressClass",
  object: IngressClass.fromPartial({
    metadata: { name: "tallship", annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
    spec: { controller: INGRESS_CONTROLLER },
  }),
};
