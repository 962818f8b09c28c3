import { isScalar, type Node } from "yaml";
import { deviceKindProblem, deviceNameProblem } from "../../kinds/devices.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { HOOK_NAMES, type OciHookName, type OciIntelRdt } from "../oci/oci-types.js";
import { countOf, elementsOf, fieldsOf, openYaml, type Parsing, textOf, wrong } from "../yaml-fields.js";
import { type DeviceFacts, factsOf } from "./device-facts.js";

/** A node of /dev that a container gets. What is absent is as on the host. */
export interface CdiDeviceNode {
  readonly path: string;
  readonly hostPath: string;
  readonly type: string | undefined;
  readonly major: number | undefined;
  readonly minor: number | undefined;
  readonly fileMode: number | undefined;
  /** Letters of r, w and m. */
  readonly permissions: string;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

/** A file or folder of the host, or a file system of the kernel, that a container gets. */
export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type: string | undefined;
  readonly options: readonly string[];
}

/** A program of the host that the runtime runs while it makes a container. */
export interface CdiHook {
  readonly hookName: OciHookName;
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Seconds. */
  readonly timeout: number | undefined;
}

/** What a device changes of a container. */
export interface CdiEdits {
  readonly env: readonly string[];
  readonly deviceNodes: readonly CdiDeviceNode[];
  readonly mounts: readonly CdiMount[];
  readonly hooks: readonly CdiHook[];
  readonly additionalGids: readonly number[];
  readonly intelRdt: OciIntelRdt | undefined;
}

/** A file that describes devices of one kind. */
export interface CdiSpec {
  readonly kind: string;
  readonly devices: readonly { readonly name: string; readonly edits: CdiEdits; readonly facts: DeviceFacts }[];
  /** For a container that gets any of the devices; before what the devices themselves change. */
  readonly edits: CdiEdits;
}

/** Nothing is changed. */
export const NO_EDITS: CdiEdits = {
  env: [],
  deviceNodes: [],
  mounts: [],
  hooks: [],
  additionalGids: [],
  intelRdt: undefined,
};

/** The published versions; of a later one it is not known what it means. */
const VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"];

/**
 * Reads a CDI file, JSON or YAML, as cncf-tags/container-device-interface has it up to 1.1.0. Strict, as other runtimes are: a field that is not known could be a right that is
 * not given or a limit that is not set. What is wrong is invalid_argument with file, line and column.
 */
export function parseCdiSpec(text: string, path: string): CdiSpec {
  const { parsing, top } = openYaml(text, path);
  if (top === undefined) throw new TallshipError("invalid_argument", `${path}: the file is empty`);
  const fields = fieldsOf(parsing, top, ["cdiVersion", "kind", "annotations", "devices", "containerEdits"]);
  const version = textOf(parsing, required(parsing, top, fields, "cdiVersion"), "cdiVersion");
  if (!VERSIONS.includes(version.replace(/^v/, "")))
    throw wrong(parsing, fields.get("cdiVersion") ?? top, `cdiVersion ${version} is not known: ${VERSIONS.join(", ")}`);
  const kindNode = required(parsing, top, fields, "kind");
  const kind = textOf(parsing, kindNode, "kind");
  refuse(parsing, kindNode, deviceKindProblem(kind));
  const devicesNode = required(parsing, top, fields, "devices");
  const devices = elementsOf(parsing, devicesNode, "devices");
  if (devices.length === 0) throw wrong(parsing, devicesNode, "devices is empty");
  if (devices.length > limit("devicesPerNode"))
    throw wrong(parsing, devicesNode, `${devices.length} devices, more than ${limit("devicesPerNode")}`);
  const names = new Set<string>();
  return {
    kind,
    devices: devices.map((node) =>
      deviceOf(parsing, node, { names, ofFile: factsOf(parsing, fields.get("annotations")) }),
    ),
    edits: editsOf(parsing, fields.get("containerEdits")),
  };
}

interface Around {
  readonly names: Set<string>;
  /** What the file says of all its devices. */
  readonly ofFile: DeviceFacts;
}

function deviceOf(parsing: Parsing, node: Node, { names, ofFile }: Around): CdiSpec["devices"][number] {
  const fields = fieldsOf(parsing, node, ["name", "annotations", "containerEdits"]);
  const nameNode = required(parsing, node, fields, "name");
  const name = textOf(parsing, nameNode, "name");
  refuse(parsing, nameNode, deviceNameProblem(name));
  if (names.has(name)) throw wrong(parsing, nameNode, `device ${name} is described twice`);
  names.add(name);
  const edits = editsOf(parsing, required(parsing, node, fields, "containerEdits"));
  return { name, edits, facts: { ...ofFile, ...factsOf(parsing, fields.get("annotations")) } };
}

function editsOf(parsing: Parsing, node: Node | undefined): CdiEdits {
  if (node === undefined) return NO_EDITS;
  const fields = fieldsOf(parsing, node, [
    ...["env", "deviceNodes", "mounts", "hooks", "additionalGids", "intelRdt", "netDevices"],
  ]);
  const net = fields.get("netDevices");
  if (net !== undefined) throw wrong(parsing, net, "network devices cannot be given to containers");
  const list = <T>(name: string, read: (parsing: Parsing, one: Node) => T): readonly T[] => {
    const found = fields.get(name);
    return found === undefined ? [] : elementsOf(parsing, found, name).map((one) => read(parsing, one));
  };
  const rdt = fields.get("intelRdt");
  return {
    env: list("env", variableOf),
    deviceNodes: list("deviceNodes", deviceNodeOf),
    mounts: list("mounts", mountOf),
    hooks: list("hooks", hookOf),
    additionalGids: list("additionalGids", (_, one) => countOf(parsing, one, "additionalGids")),
    intelRdt: rdt === undefined ? undefined : rdtOf(parsing, rdt),
  };
}

function variableOf(parsing: Parsing, node: Node): string {
  const text = textOf(parsing, node, "env");
  if (!/^[^=]+=/.test(text)) throw wrong(parsing, node, `env: want NAME=value, found ${JSON.stringify(text)}`);
  return text;
}

function deviceNodeOf(parsing: Parsing, node: Node): CdiDeviceNode {
  const fields = fieldsOf(parsing, node, [
    ...["path", "hostPath", "type", "major", "minor", "fileMode", "permissions", "uid", "gid"],
  ]);
  const path = absoluteOf(parsing, required(parsing, node, fields, "path"), "path");
  const number = (name: string): number | undefined => {
    const found = fields.get(name);
    return found === undefined ? undefined : countOf(parsing, found, name);
  };
  const word = (name: string, form: RegExp, want: string): string | undefined => {
    const found = fields.get(name);
    const text = found === undefined ? undefined : textOf(parsing, found, name);
    if (found !== undefined && text !== undefined && !form.test(text))
      throw wrong(parsing, found, `${name}: want ${want}, found ${JSON.stringify(text)}`);
    return text;
  };
  const hostPath = fields.get("hostPath");
  return {
    path,
    hostPath: hostPath === undefined ? path : absoluteOf(parsing, hostPath, "hostPath"),
    type: word("type", /^[bcup]$/, "b, c, u or p"),
    major: number("major"),
    minor: number("minor"),
    fileMode: modeOf(fields.get("fileMode")) ?? number("fileMode"),
    permissions: word("permissions", /^[rwm]+$/, "letters of rwm") ?? "rwm",
    uid: number("uid"),
    gid: number("gid"),
  };
}

/** Rights written with a leading 0 are octal, as the readers of other runtimes take them. */
function modeOf(node: Node | undefined): number | undefined {
  const source = isScalar(node) ? (node.source ?? "") : "";
  return /^0[0-7]+$/.test(source) ? Number.parseInt(source, 8) : undefined;
}

function mountOf(parsing: Parsing, node: Node): CdiMount {
  const fields = fieldsOf(parsing, node, ["hostPath", "containerPath", "type", "options"]);
  const type = fields.get("type");
  const options = fields.get("options");
  return {
    hostPath: textOf(parsing, required(parsing, node, fields, "hostPath"), "hostPath"),
    containerPath: absoluteOf(parsing, required(parsing, node, fields, "containerPath"), "containerPath"),
    type: type === undefined ? undefined : textOf(parsing, type, "type"),
    options: options === undefined ? [] : textsOf(parsing, options, "options"),
  };
}

function hookOf(parsing: Parsing, node: Node): CdiHook {
  const fields = fieldsOf(parsing, node, ["hookName", "path", "args", "env", "timeout"]);
  const nameNode = required(parsing, node, fields, "hookName");
  const word = textOf(parsing, nameNode, "hookName");
  const hookName = HOOK_NAMES.find((name) => name === word);
  if (hookName === undefined) throw wrong(parsing, nameNode, `hookName: want one of ${HOOK_NAMES.join(", ")}`);
  const [args, env, timeout] = [fields.get("args"), fields.get("env"), fields.get("timeout")];
  return {
    hookName,
    path: absoluteOf(parsing, required(parsing, node, fields, "path"), "path"),
    args: args === undefined ? [] : textsOf(parsing, args, "args"),
    env: env === undefined ? [] : elementsOf(parsing, env, "env").map((one) => variableOf(parsing, one)),
    timeout: timeout === undefined ? undefined : countOf(parsing, timeout, "timeout"),
  };
}

const RDT_TEXTS = ["closID", "l3CacheSchema", "memBwSchema"] as const;

function rdtOf(parsing: Parsing, node: Node): OciIntelRdt {
  const fields = fieldsOf(parsing, node, RDT_TEXTS);
  return Object.fromEntries([...fields].map(([name, found]) => [name, textOf(parsing, found, name)]));
}

function textsOf(parsing: Parsing, node: Node, name: string): readonly string[] {
  return elementsOf(parsing, node, name).map((one) => textOf(parsing, one, name));
}

function absoluteOf(parsing: Parsing, node: Node, name: string): string {
  const path = textOf(parsing, node, name);
  if (path.startsWith("/") && !path.split("/").includes("..")) return path;
  throw wrong(parsing, node, `${name}: want an absolute path without "..", found ${JSON.stringify(path)}`);
}

function required(parsing: Parsing, node: Node, fields: ReadonlyMap<string, Node>, name: string): Node {
  const found = fields.get(name);
  if (found === undefined) throw wrong(parsing, node, `${name} is missing`);
  return found;
}

function refuse(parsing: Parsing, node: Node, problem: string | undefined): void {
  if (problem !== undefined) throw wrong(parsing, node, problem);
}
