import type { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";
import { DEVICES, parseDevices } from "../devices.js";
import { FILL_VOLUMES, fillVolumesProblem } from "../fill-volumes.js";
import { FORMATS } from "../formats.js";
import { HOST_DEVICES, hostDevicesProblem } from "../host-devices.js";
import { PIN_IMAGES } from "../image-pins.js";
import { PLACEMENT, PLACEMENTS, placementOf } from "../placement-policy.js";
import { powerProblem } from "../power.js";
import { KINDS, type KindName } from "../registry.js";
import { parseRunAs, RUN_AS } from "../run-as.js";
import { parseStartAfter, START_AFTER } from "../start-after.js";
import { START_ORDER, startOrderProblem } from "../start-order.js";
import { parseUlimits, ULIMITS } from "../ulimits.js";
import { parseUtilizationShape, UTILIZATION_SHAPE } from "../utilization-shape.js";
import { checkDeviceAnnotations } from "./device-shares.js";
import { type Findings, type Path, shorten } from "./findings.js";

/** Kinds whose names have another form than a DNS subdomain. */
const NAME_FORMATS: Partial<Record<KindName, keyof typeof FORMATS>> = {
  ClusterRole: "pathSegment",
  ClusterRoleBinding: "pathSegment",
  Image: "imageName",
  Namespace: "dnsLabel",
  Role: "pathSegment",
  RoleBinding: "pathSegment",
  Service: "dnsLabelLetterFirst",
  // Its pods are hosts of that name and a number.
  StatefulSet: "dnsLabel",
};

/** All annotations together, as in Kubernetes. */
const ANNOTATION_BYTES = 262_144;

/** Checks name, namespace and annotations. */
export function checkMeta(kind: KindName, meta: ObjectMeta | undefined, findings: Findings): void {
  if (meta === undefined || (meta.name === "" && meta.generateName === "")) {
    findings.add("required", ["metadata", "name"], "this field is required");
    return;
  }
  const wrong = meta.name === "" ? undefined : FORMATS[NAME_FORMATS[kind] ?? "dnsSubdomain"](meta.name);
  if (wrong !== undefined)
    findings.add("invalid", ["metadata", "name"], `${wrong}, found ${JSON.stringify(shorten(meta.name))}`);
  const { isNamespaced } = KINDS[kind];
  if (isNamespaced && meta.namespace === "")
    findings.add("required", ["metadata", "namespace"], "this field is required");
  if (!isNamespaced && meta.namespace !== "")
    findings.add("forbidden", ["metadata", "namespace"], `kind ${kind} has no namespace`);
  const bytes = Object.entries(meta.annotations).reduce(
    (sum, [key, value]) => sum + key.length + Buffer.byteLength(value),
    0,
  );
  if (bytes > ANNOTATION_BYTES)
    findings.add("too_many", ["metadata", "annotations"], `want at most ${ANNOTATION_BYTES} bytes, found ${bytes}`);
}

/** The annotations of a pod, or of a template of pods, that mean something here. */
export function checkPodAnnotations(meta: ObjectMeta | undefined, path: Path, findings: Findings): void {
  const read = parseStartAfter(meta?.annotations[START_AFTER] ?? "");
  if (read.is === "wrong") findings.add("invalid", [...path, "annotations", START_AFTER], read.why);
  const order = startOrderProblem(meta?.annotations[START_ORDER]);
  if (order !== undefined) findings.add("invalid", [...path, "annotations", START_ORDER], order);
  const runAs = parseRunAs(meta?.annotations[RUN_AS] ?? "");
  if (runAs.is === "wrong") findings.add("invalid", [...path, "annotations", RUN_AS], runAs.why);
  const ulimits = parseUlimits(meta?.annotations[ULIMITS] ?? "");
  if (ulimits.is === "wrong") findings.add("invalid", [...path, "annotations", ULIMITS], ulimits.why);
  checkDeviceAnnotations(meta, path, findings);
  const devices = parseDevices(meta?.annotations[DEVICES] ?? "");
  if (devices.is === "wrong") findings.add("invalid", [...path, "annotations", DEVICES], devices.why);
  const nodes = hostDevicesProblem(meta?.annotations[HOST_DEVICES] ?? "");
  if (nodes !== undefined) findings.add("invalid", [...path, "annotations", HOST_DEVICES], nodes);
  const fill = fillVolumesProblem(meta?.annotations[FILL_VOLUMES] ?? "");
  if (fill !== undefined) findings.add("invalid", [...path, "annotations", FILL_VOLUMES], fill);
  if (!["true", "false", undefined].includes(meta?.annotations[PIN_IMAGES]))
    findings.add("invalid", [...path, "annotations", PIN_IMAGES], "want true or false");
  const placement = meta?.annotations[PLACEMENT];
  if (placement !== undefined && placementOf(meta?.annotations) === undefined)
    findings.add("invalid", [...path, "annotations", PLACEMENT], `want one of ${PLACEMENTS.join(", ")}`);
  const line = parseUtilizationShape(meta?.annotations[UTILIZATION_SHAPE] ?? "0=0");
  if (line.is === "wrong") findings.add("invalid", [...path, "annotations", UTILIZATION_SHAPE], line.why);
  for (const [name, value] of Object.entries(meta?.annotations ?? {})) {
    const wrong = powerProblem(name, value);
    if (wrong !== undefined)
      findings.add("invalid", [...path, "annotations", name], `${wrong}, found ${JSON.stringify(shorten(value))}`);
  }
}
