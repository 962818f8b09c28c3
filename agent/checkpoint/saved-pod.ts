import { createHash } from "node:crypto";
import { decodeObject, encodeObject } from "../../kinds/object.js";
import { TallshipError } from "../../lib/errors.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import type { ConfigContent, ConfigValues } from "../config-values.js";
import type { PodRecord } from "../pod-record.js";
import type { SavedPod } from "./checkpoint.js";
import type { Seal } from "./seal.js";

const VERSION = 1;

/** Pods as they were written last: a pod is written with every step that it takes, and changes with few of them. */
const objectTexts = new WeakMap<Pod, string>();

function objectText(pod: Pod): string {
  const known = objectTexts.get(pod);
  if (known !== undefined) return known;
  const text = toBase64(encodeObject({ kind: "Pod", object: pod }));
  objectTexts.set(pod, text);
  return text;
}

/** A pod as one line without its end: the digest of the rest, a space, JSON. What it read from ConfigMaps and Secrets is sealed for the pod. */
export function encodeSavedPod({ record, pod, configs }: SavedPod, seal: Seal): string {
  const object = pod === undefined ? "" : objectText(pod);
  const sealed = configs === undefined ? "" : toBase64(sealConfigs(configs, record.uid, seal));
  const body = JSON.stringify({ version: VERSION, record, object, sealed });
  return `${digestOf(body)} ${body}`;
}

/** Reads a pod's line; throws invalid_argument when it is damaged, cut short or of another node. */
export function decodeSavedPod(text: string, seal: Seal): SavedPod {
  const at = text.indexOf(" ");
  const body = text.slice(at + 1);
  if (at < 0 || digestOf(body) !== text.slice(0, at))
    throw new TallshipError("invalid_argument", "read checkpoint: the digest does not fit");
  // A parser: the digest says that this very program wrote it; the version, that it wrote this shape.
  const { version, record, object, sealed } = JSON.parse(body) as {
    version: number;
    record: PodRecord;
    object: string;
    sealed: string;
  };
  if (version !== VERSION)
    throw new TallshipError("invalid_argument", `read checkpoint: version ${version}, want ${VERSION}`);
  return {
    record,
    pod: object === "" ? undefined : podOf(Buffer.from(object, "base64")),
    configs: sealed === "" ? undefined : openConfigs(Buffer.from(sealed, "base64"), record.uid, seal),
  };
}

function podOf(bytes: Uint8Array): Pod {
  const typed = decodeObject(bytes);
  if (typed.kind !== "Pod") throw new TallshipError("invalid_argument", `read checkpoint: a ${typed.kind}, want a Pod`);
  return typed.object;
}

type Bytes = (bytes: Uint8Array) => string;
const toBase64: Bytes = (bytes) => Buffer.from(bytes).toString("base64");

function sealConfigs(configs: ConfigValues, uid: string, seal: Seal): Uint8Array {
  const plain = JSON.stringify({ configMaps: mapValues(configs.configMaps), secrets: mapValues(configs.secrets) });
  return seal.seal(Buffer.from(plain), uid);
}

function mapValues(contents: Readonly<Record<string, ConfigContent | undefined>>): Record<string, unknown> {
  const entries = Object.entries(contents).flatMap(([name, content]) => {
    if (content === undefined) return [];
    const values = Object.entries(content.values).map(([key, bytes]) => [key, toBase64(bytes)] as const);
    return [[name, { revision: content.revision, values: Object.fromEntries(values) }] as const];
  });
  return Object.fromEntries(entries);
}

function openConfigs(sealed: Uint8Array, uid: string, seal: Seal): ConfigValues {
  type Saved = Record<string, { revision: number; values: Record<string, string> }>;
  // A parser: the seal says that this very program wrote it.
  const { configMaps, secrets } = JSON.parse(Buffer.from(seal.open(sealed, uid)).toString("utf8")) as {
    configMaps: Saved;
    secrets: Saved;
  };
  const read = (saved: Saved): Record<string, ConfigContent> =>
    Object.fromEntries(
      Object.entries(saved).map(([name, { revision, values }]) => {
        const bytes = Object.entries(values).map(([key, text]) => [key, Buffer.from(text, "base64")] as const);
        return [name, { revision, values: Object.fromEntries(bytes) }] as const;
      }),
    );
  return { configMaps: read(configMaps), secrets: read(secrets) };
}

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
