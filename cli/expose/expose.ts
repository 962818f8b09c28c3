import { type Json, type JsonObject, toJson } from "../../kinds/encode.js";
import type { Typed } from "../../kinds/object.js";
import { KINDS } from "../../kinds/registry.js";
import { mapsIn, podSpecPath, valueAt } from "../change/pod-template.js";
import { pairsOf } from "../create/pairs.js";
import { usageError } from "../verb.js";

/** What `expose` was asked of the service that it makes. */
export interface ExposeFlags {
  readonly port: number | undefined;
  readonly targetPort: string | undefined;
  readonly protocol: string | undefined;
  readonly type: string | undefined;
  readonly name: string | undefined;
  readonly selector: string | undefined;
  readonly labels: string | undefined;
  readonly clusterIp: string | undefined;
  readonly externalIp: string | undefined;
  readonly sessionAffinity: string | undefined;
}

/** The service that leads to the pods of an object, as kubectl makes it: its selector, its labels, and its containers' ports unless one is named. */
export function serviceFor(typed: Typed, flags: ExposeFlags): JsonObject {
  const object = toJson(typed);
  const labels =
    flags.labels === undefined ? valueAt(object, ["metadata", "labels"]) : pairsOf("--labels", flags.labels.split(","));
  const { type, clusterIp, externalIp, sessionAffinity } = flags;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: flags.name ?? typed.object.metadata?.name ?? "", ...(labels === undefined ? {} : { labels }) },
    spec: {
      selector:
        flags.selector === undefined ? selectorOf(typed, object) : pairsOf("--selector", flags.selector.split(",")),
      ports: portsOf(typed, object, flags),
      ...(type === undefined ? {} : { type }),
      ...(clusterIp === undefined ? {} : { clusterIP: clusterIp }),
      ...(externalIp === undefined ? {} : { externalIPs: [externalIp] }),
      ...(sessionAffinity === undefined ? {} : { sessionAffinity }),
    },
  };
}

function selectorOf({ kind }: Typed, object: JsonObject): Json {
  const path = kind === "Pod" ? ["metadata", "labels"] : kind === "Service" ? ["spec", "selector"] : MATCH_LABELS;
  const found = valueAt(object, path);
  if (mapsIn(valueAt(object, ["spec", "selector", "matchExpressions"])).length > 0)
    throw usageError("a service selects by labels alone, and this selector has expressions: give --selector");
  if (found === undefined) throw usageError(`${KINDS[kind].plural} select no pods by labels: give --selector`);
  return found;
}

const MATCH_LABELS = ["spec", "selector", "matchLabels"];

function portsOf({ kind }: Typed, object: JsonObject, flags: ExposeFlags): readonly JsonObject[] {
  const target = flags.targetPort === undefined ? {} : { targetPort: portOf(flags.targetPort) };
  if (flags.port !== undefined)
    return [{ port: flags.port, protocol: flags.protocol ?? "TCP", targetPort: flags.port, ...target }];
  const held =
    kind === "Service"
      ? mapsIn(valueAt(object, ["spec", "ports"])).map(({ port, protocol }) => ({ port, protocol }))
      : mapsIn(valueAt(object, [...(podSpecPath(kind) ?? []), "containers"])).flatMap(({ ports }) =>
          mapsIn(ports).map(({ containerPort: port, protocol }) => ({ port, protocol })),
        );
  if (held.length === 0) throw usageError("no container names its ports: say which, --port=PORT");
  return held.map(({ port, protocol }, at) => ({
    ...(held.length > 1 ? { name: `port-${at + 1}` } : {}),
    port: port ?? 0,
    protocol: flags.protocol ?? protocol ?? "TCP",
    targetPort: port ?? 0,
    ...target,
  }));
}

function portOf(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text;
}
