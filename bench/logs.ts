import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LogsRequest } from "../proto/gen/tallship/v1/streams.js";
import { waitFor } from "../test/kit/wait.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type ApiClient, apiClient } from "./api-client.js";
import { type Bench, type BenchContext, percentile } from "./harness.js";
import { deploy, podsOf, remove, withTestbed } from "./on-testbed.js";

/** How fast containers may write, whether every line is kept that the node's files have room for, and how fast a client follows. */
export const logs: Bench = {
  name: "logs",
  summary: "a container that writes flat out: kept without loss, followed by a client, a neighbour asked meanwhile",
  goals: [
    { metric: "mb_s", op: ">=", bound: 200, stage: "full" },
    { metric: "lost_lines", op: "<=", bound: 0, stage: "full" },
    { metric: "follow_mb_s", op: ">=", bound: 40, stage: "full" },
    { metric: "probe_p99_ms", op: "<=", bound: 100, stage: "full" },
  ],
  run,
};

/** Bytes of a line with its end: seven digits of its number, and filling. */
const LINE_BYTES = 100;

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 1 }, async (testbed) => {
    await deploy(testbed, { name: "neighbour", replicas: 1 });
    const lineCount = context.isQuick ? 2_000_000 : 6_000_000;
    const client = apiClient(testbed);
    try {
      const alone = await measureWriting(testbed, undefined, { name: "alone", lineCount });
      context.report(`${lineCount} lines in ${alone.tookMs.toFixed(0)} ms, ${alone.kept} kept in the last files`);
      const watched = await measureWriting(testbed, client, { name: "watched", lineCount });
      const bytes = lineCount * LINE_BYTES;
      return {
        mb_s: bytes / 1_000 / alone.tookMs,
        lost_lines: alone.lost + watched.lost,
        kept_lines: alone.kept,
        followed_mb_s: bytes / 1_000 / watched.tookMs,
        follow_mb_s: watched.followedBytes / 1_000 / watched.followMs,
        follow_missed_lines: watched.missed,
        probe_p99_ms: percentile([...alone.probeMs, ...watched.probeMs], 99),
      };
    } finally {
      client.close();
    }
  });
}

interface Written {
  readonly tookMs: number;
  readonly kept: number;
  readonly lost: number;
  readonly followedBytes: number;
  readonly followMs: number;
  readonly missed: number;
  readonly probeMs: readonly number[];
}

/** One container writes so many lines, each with its number, and then rests; with a client that follows, or without. */
async function measureWriting(
  testbed: Testbed,
  client: ApiClient | undefined,
  { name, lineCount }: { readonly name: string; readonly lineCount: number },
): Promise<Written> {
  // One long text is made first, so that what is measured is the writing: 10,000 lines of which only the last digits differ.
  const filling = "x".repeat(LINE_BYTES - 9);
  const script = `i=0; while [ $i -lt 10000 ]; do printf '%07d %s\\n' $i ${filling}; i=$((i + 1)); done > /tmp/lines; echo ready > /tmp/ready; while [ ! -e /tmp/go ]; do sleep 0.05; done
i=0; while [ $i -lt ${lineCount / 10_000} ]; do cat /tmp/lines; i=$((i + 1)); done; echo over > /tmp/over; sleep 1000000`;
  await deploy(testbed, { name, replicas: 1, command: ["/bin/sh", "-c", script] });
  const [writer] = await podsOf(testbed, name);
  const [neighbour] = await podsOf(testbed, "neighbour");
  if (writer === undefined || neighbour === undefined) throw new Error("no pods");
  await testbed.tsctl(["exec", writer.name, "--", "sh", "-c", "while [ ! -e /tmp/ready ]; do sleep 0.05; done"]);
  let isOver = false;
  const following = client === undefined ? NOBODY : follow(client, writer.name, { lineCount, isOver: () => isOver });
  const probing = probe(testbed, neighbour.address);
  const from = performance.now();
  await testbed.tsctl([
    "exec",
    writer.name,
    "--",
    "sh",
    "-c",
    ": > /tmp/go; while [ ! -e /tmp/over ]; do sleep 0.02; done",
  ]);
  const tookMs = performance.now() - from;
  isOver = true;
  const followed = await following;
  const probeMs = await probing.end();
  const kept = await keptLines(testbed, writer.name);
  if (kept.kept === 0) throw new Error("the writer wrote nothing");
  await remove(testbed, name);
  return { tookMs, ...kept, ...followed, probeMs };
}

const NOBODY = { followedBytes: 0, followMs: 0, missed: 0 };

/** Nothing for so long once the writer is over: the follower has all that it will get. */
const QUIET_MS = 2_000;

/** Follows until all lines have come, or the writer is over and no more come: what a follower that is too slow has missed. */
async function follow(
  client: ApiClient,
  pod: string,
  { lineCount, isOver }: { readonly lineCount: number; readonly isOver: () => boolean },
): Promise<{ readonly followedBytes: number; readonly followMs: number; readonly missed: number }> {
  const over = new AbortController();
  const request = LogsRequest.fromPartial({ namespace: "default", pod, container: "main", follow: true });
  let followedBytes = 0;
  let from = 0;
  let lastAt = performance.now();
  const watch = setInterval(() => {
    if (isOver() && performance.now() - lastAt > QUIET_MS) over.abort();
  }, 100);
  try {
    for await (const { bytes } of client.streams.logs(request, { signal: over.signal })) {
      lastAt = performance.now();
      from ||= lastAt;
      followedBytes += bytes.length;
      if (followedBytes / LINE_BYTES >= lineCount) break;
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    clearInterval(watch);
    over.abort();
  }
  return { followedBytes, followMs: lastAt - from, missed: lineCount - Math.round(followedBytes / LINE_BYTES) };
}

/** Asks a neighbour over and over, as a probe would. */
function probe(testbed: Testbed, address: string): { end(): Promise<readonly number[]> } {
  let isOver = false;
  const script = `while [ ! -e /run/bench-over ]; do curl -s -o /dev/null -w '%{time_total}\\n' -m 5 http://${address}:8080/; sleep 0.02; done; rm /run/bench-over`;
  const running = testbed.exec("host1", ["sh", "-c", script]);
  return {
    end: async () => {
      if (!isOver) await testbed.exec("host1", ["touch", "/run/bench-over"]);
      isOver = true;
      return (await running).stdout
        .trim()
        .split("\n")
        .map((seconds) => Number(seconds) * 1_000);
    },
  };
}

/** What the files of the log hold: from the first line that rotation has left, each line must follow the one before. */
async function keptLines(testbed: Testbed, pod: string): Promise<{ readonly kept: number; readonly lost: number }> {
  const uid = JSON.parse(await testbed.tsctl(["get", "pod", pod, "-o", "json"])).metadata.uid;
  const folder = join(testbed.host("host1").diskDir, "data/logs", uid, "main");
  await waitFor("its log", () => existsSync(folder));
  const files = readdirSync(folder)
    .filter((name) => /^0\.log(\.\d+)?$/.test(name))
    .sort((left, right) => ageOf(right) - ageOf(left));
  let before: number | undefined;
  let kept = 0;
  let lost = 0;
  let part = "";
  for (const file of files)
    for (const entry of readFileSync(join(folder, file), "latin1").split("\n")) {
      const [, tag = "", content = ""] = /^\S+ \S+ ([PF]) (.*)$/.exec(entry) ?? [];
      part += content;
      if (tag !== "F") continue;
      const number = Number(part.slice(0, 7));
      part = "";
      // The oldest file that was kept may begin within a line.
      if (kept === 0 && Number.isNaN(number)) continue;
      kept += 1;
      if (before !== undefined && number !== (before + 1) % 10_000) lost += 1;
      before = number;
    }
  return { kept, lost };
}

function ageOf(name: string): number {
  return Number(name.split(".log.")[1] ?? 0);
}
