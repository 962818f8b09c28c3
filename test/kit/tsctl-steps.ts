import { expect } from "vitest";
import { decodeDocument } from "../../kinds/decode.js";
import { encodeObject, type Typed } from "../../kinds/object.js";
import { parseYaml } from "../../kinds/yaml/parse.js";
import type { Running, TsctlBench } from "./tsctl-bench.js";
import { waitFor } from "./wait.js";

/** The one object of a YAML text. */
export function objectOf(text: string): Typed {
  const source = { name: "test", text };
  const [found] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (found === undefined) throw new Error(`no object: ${text}`);
  return found.typed;
}

/** A pod on host1 with containers main and side, labelled app=web; `more` is added to its metadata. */
export function podText(name: string, more = ""): string {
  return `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: default, labels: {app: web}${more}}, spec: {nodeName: host1, containers: [{name: main, image: i}, {name: side, image: i}]}}`;
}

/** A deployment named web of two pods labelled app=web. */
export const WEB =
  "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: main, image: i}]}}}}";

/** Runs a line of words, requires success without a word on standard error, and returns what it printed. */
export async function succeed(bench: TsctlBench, line: string): Promise<string> {
  const { code, out, err } = await bench.run(line.split(" "));
  expect(err).toBe("");
  expect(code).toBe(0);
  return out;
}

/** One line that must fail: its exit code, and a part of what it says. */
export interface RefusedRow {
  readonly line: string;
  readonly code: number;
  readonly err: string;
}

/** Runs a line that must fail. */
export async function fail(bench: TsctlBench, { line, code: wantCode, err: want }: RefusedRow): Promise<void> {
  const { code, err } = await bench.run(line.split(" "));
  expect(err).toContain(want);
  expect(code).toBe(wantCode);
}

/** Waits until what a running command has printed contains a text. The first command of a test loads code, which takes time. */
export async function until(running: Running, text: string): Promise<void> {
  const shown = (): string => `${running.out()}${running.err()}`;
  await waitFor(text, () => shown().includes(text) || undefined).catch(() => expect(shown()).toContain(text));
}

/** Writes the status of an object, as its controller or agent would. */
export async function writeStatus(bench: TsctlBench, text: string): Promise<void> {
  const objects = [Buffer.from(encodeObject(objectOf(text)))];
  const { results } = await bench.api.api.updateStatus({ objects }, bench.api.as({ role: "control-plane", name: "a" }));
  expect(results).toMatchObject([{ code: "" }]);
  await bench.api.caughtUp();
}
