import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { pod, startCluster } from "./cluster.js";
import { FIELD_ROWS } from "./fields/all-rows.js";
import type { FieldRow } from "./fields/field-row.js";

// What each field of the pod spec promises, on a cluster of two hosts: all pods at once, each tells what it got.

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("fields", { hostCount: 2 });
  const beside = new Map(FIELD_ROWS.flatMap((row) => row.beside ?? []).map((each) => [JSON.stringify(each), each]));
  await apply([...beside.values()]);
  await apply(FIELD_ROWS.map(podOf));
});

afterAll(async () => {
  await testbed?.down();
});

const podOf = ({ name, metadata, spec }: FieldRow) => ({
  ...{ apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name }, spec },
});

async function apply(items: readonly object[]): Promise<void> {
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items });
  await testbed.tsctl(["apply", "-f", "-"], { input });
}

/** What the containers of a row's pod have said. */
async function log({ name, spec }: FieldRow): Promise<string> {
  const of = ({ name: container }: { readonly name: string }) => testbed.tryTsctl(["logs", name, "-c", container]);
  return (await Promise.all([...(spec.initContainers ?? []), ...spec.containers].map(of)))
    .map(({ stdout }) => stdout)
    .join("\n");
}

test.each(FIELD_ROWS)("$title", async (row) => {
  const { name, until, says = [], looks = {}, afterwards } = row;
  const isThere = until ?? (({ status }) => status.phase === "Succeeded");
  const seen = await waitFor(
    `pod ${name} to show it`,
    async () => {
      const now = await pod(testbed, name);
      return now !== undefined && isThere(now) ? now : undefined;
    },
    { deadlineMs: 60_000, everyMs: 200 },
  ).catch(async (cause: unknown) => {
    throw new Error(`${await testbed.tsctl(["describe", "pod", name])}${await log(row)}`, { cause });
  });
  // A container may run, or have ended, a moment before what it says is in its log.
  for (const want of says) await expect.poll(() => log(row)).toMatch(want);
  expect(seen).toMatchObject(looks);
  const onHost = async (host: string, ...command: readonly string[]) => (await testbed.exec(host, command)).stdout;
  await afterwards?.({ testbed, seen, onHost, log: () => log(row) });
});
