import { TallshipError } from "../lib/errors.js";
import type { Typed } from "./object.js";
import { isMadeLocal, nodeOfVolume } from "./storage.js";
import { closest } from "./suggest.js";

/** One requirement on one field; all of a selector must hold. */
export interface FieldRequirement {
  readonly path: string;
  readonly isEqual: boolean;
  readonly value: string;
}

/** The fields that objects can be selected by, beside metadata.name and metadata.namespace. */
const FIELDS: Readonly<Record<string, (typed: Typed) => string | undefined>> = {
  "metadata.name": ({ object }) => object.metadata?.name,
  "metadata.namespace": ({ object }) => object.metadata?.namespace,
  // A volume that was made on a node belongs to it as a pod does.
  "spec.nodeName": (typed) => {
    if (typed.kind === "PersistentVolume") return isMadeLocal(typed.object) ? nodeOfVolume(typed.object) : undefined;
    return typed.kind === "Pod" ? (typed.object.spec?.nodeName ?? "") : undefined;
  },
  "spec.restartPolicy": (typed) => (typed.kind === "Pod" ? (typed.object.spec?.restartPolicy ?? "") : undefined),
  "spec.schedulerName": (typed) => (typed.kind === "Pod" ? (typed.object.spec?.schedulerName ?? "") : undefined),
  "spec.serviceAccountName": (typed) =>
    typed.kind === "Pod" ? (typed.object.spec?.serviceAccountName ?? "") : undefined,
  "spec.hostNetwork": (typed) => (typed.kind === "Pod" ? String(typed.object.spec?.hostNetwork ?? false) : undefined),
  "spec.unschedulable": (typed) =>
    typed.kind === "Node" ? String(typed.object.spec?.unschedulable ?? false) : undefined,
  "spec.type": (typed) => (typed.kind === "Service" ? (typed.object.spec?.type ?? "") : undefined),
  "status.phase": (typed) =>
    typed.kind === "Pod" || typed.kind === "Namespace" ? (typed.object.status?.phase ?? "") : undefined,
  "status.nominatedNodeName": (typed) =>
    typed.kind === "Pod" ? (typed.object.status?.nominatedNodeName ?? "") : undefined,
  "status.successful": (typed) => (typed.kind === "Job" ? String(typed.object.status?.succeeded ?? 0) : undefined),
  "status.podIP": (typed) => (typed.kind === "Pod" ? (typed.object.status?.podIP ?? "") : undefined),
  type: (typed) => (typed.kind === "Secret" || typed.kind === "Event" ? typed.object.type : undefined),
  reason: (typed) => (typed.kind === "Event" ? typed.object.reason : undefined),
  "involvedObject.kind": (typed) => involved(typed, "kind"),
  "involvedObject.namespace": (typed) => involved(typed, "namespace"),
  "involvedObject.name": (typed) => involved(typed, "name"),
  "involvedObject.uid": (typed) => involved(typed, "uid"),
};

/**
 * Reads a field selector as kubectl takes it: `status.phase=Running,spec.nodeName!=node-a`. The empty text selects
 * everything. Throws invalid_argument for a field that objects cannot be selected by.
 */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  if (text.trim() === "") return [];
  return text.split(",").map((part) => {
    const match = /^\s*([A-Za-z.]+)\s*(==|=|!=)(.*)$/.exec(part);
    if (match === null)
      throw new TallshipError(
        "invalid_argument",
        `field selector "${text}": "${part}" is neither field=value nor field!=value`,
      );
    const [, path = "", sign = "", value = ""] = match;
    if (!Object.hasOwn(FIELDS, path)) {
      const near = closest(path, Object.keys(FIELDS));
      const hint = near === undefined ? `use one of ${Object.keys(FIELDS).join(", ")}` : `did you mean ${near}?`;
      throw new TallshipError("invalid_argument", `field selector "${text}": cannot select by ${path}, ${hint}`);
    }
    return { path, isEqual: sign !== "!=", value: value.trim() };
  });
}

/** True when every requirement holds. A field that the kind does not have equals nothing. */
export function matchesFields(requirements: readonly FieldRequirement[], typed: Typed): boolean {
  return requirements.every(({ path, isEqual, value }) => (FIELDS[path]?.(typed) === value) === isEqual);
}

function involved(typed: Typed, part: "kind" | "namespace" | "name" | "uid"): string | undefined {
  return typed.kind === "Event" ? (typed.object.involvedObject?.[part] ?? "") : undefined;
}
