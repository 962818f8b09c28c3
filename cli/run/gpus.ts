import { deviceNameProblem, deviceText, GPU } from "../../kinds/devices.js";
import { parseQuantity } from "../../lib/quantity.js";
import type { Node } from "../../proto/gen/tallship/v1/node.js";
import { usageError } from "../verb.js";

/** GPUs that a container asks for: some, or those of these names, which are the node's. */
export interface AskedGpus {
  readonly count: number | "all";
  /** CDI names; empty when any will do. */
  readonly devices: readonly string[];
}

/** Reads --gpus in docker's forms: 2, all, device=0,1 (docker wants that quoted), or count=2 among words that mean nothing here. */
export function parseGpus(text: string): AskedGpus {
  const words = text.replace(/^"(.*)"$/, "$1").split(",");
  let count: AskedGpus["count"] | undefined;
  const devices: string[] = [];
  let key = "";
  for (const word of words) {
    const at = word.indexOf("=");
    // What follows device=0, without a key of its own is a further device.
    if (at >= 0) key = word.slice(0, at);
    const value = word.slice(at + 1);
    if (key === "device") devices.push(nameOf(value, text));
    else if (key === "" || key === "count") count = countOf(value, text);
    else if (key !== "driver" && key !== "capabilities" && key !== "options") throw unknown(text);
  }
  if (count !== undefined && devices.length > 0) throw usageError("--gpus: either a count or devices, not both");
  return { count: count ?? (devices.length || "all"), devices: devices.map((name) => deviceText({ kind: GPU, name })) };
}

function countOf(word: string, text: string): AskedGpus["count"] {
  if (word === "all" || word === "-1") return "all";
  if (!/^[1-9]\d{0,3}$/.test(word)) throw unknown(text);
  return Number(word);
}

function nameOf(word: string, text: string): string {
  if (deviceNameProblem(word) !== undefined) throw unknown(text);
  return word;
}

function unknown(text: string): Error {
  return usageError(`--gpus is a count, all, or device=NAME[,NAME…], not "${text}"`);
}

/** How many GPUs "all" are: as many as the node asked for has, else the node with the most. 0 when there are none. */
export function allGpus(nodes: readonly Node[], nodeName: string | undefined): number {
  const asked = nodes.filter((node) => nodeName === undefined || node.metadata?.name === nodeName);
  return Math.max(0, ...asked.map(({ status }) => parseQuantity(status?.allocatable[GPU] ?? "0") ?? 0));
}
