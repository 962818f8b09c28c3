import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { LogsRequest } from "../../proto/gen/tallship/v1/streams.js";
import type { Cluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import type { LineWriter } from "./line-writer.js";

/** Which part of a log is wanted, and how. */
export interface LogOptions
  extends Pick<LogsRequest, "follow" | "tailLines" | "sinceTime" | "timestamps" | "previous" | "limitBytes"> {
  /** What was written later is left out, and nothing more is waited for; absent: no bound. Milliseconds since the epoch. */
  readonly untilMs?: number | undefined;
  /** Of a pod that is gone: of all its containers. */
  readonly allContainers?: boolean | undefined;
}

/** Logs that are being printed. */
export interface LogRun {
  readonly cluster: Cluster;
  readonly shell: Shell;
  readonly options: LogOptions;
  readonly writer: LineWriter;
}

/** Prints one container's log to its end; says on standard error when lines were missed. */
export async function printLog(
  { cluster, shell, options, writer }: LogRun,
  pod: Pod,
  container: string,
): Promise<void> {
  const { name = "", namespace = "" } = pod.metadata ?? {};
  const nameOf = (of: string): string => (of === "" ? `pod/${name}` : `pod/${name}/${of}`);
  let log = nameOf(container);
  const { untilMs, ...asked } = options;
  const timestamps = asked.timestamps || untilMs !== undefined;
  const request = LogsRequest.fromPartial({ namespace, pod: name, container, ...asked, timestamps });
  const over = new AbortController();
  const signal = AbortSignal.any([shell.signal, over.signal]);
  for await (const { bytes, missedLineCount, note, container: writing = container } of cluster.streams.logs(request, {
    signal,
  })) {
    if (nameOf(writing) !== log) await writer.end(log);
    log = nameOf(writing);
    if (note !== "")
      await shell.stderr.write(`[${log}] ${note}
`);
    if (missedLineCount > 0)
      await shell.stderr.write(
        `[${log}] ${missedLineCount} lines were missed here: they came faster than they were read\n`,
      );
    const kept = untilMs === undefined ? { bytes, isLate: false } : linesUntil(bytes, untilMs, options.timestamps);
    if (kept.bytes.length > 0) await writer.write(log, kept.bytes);
    if (kept.isLate) break;
  }
  over.abort();
  await writer.end(log);
}

/** The lines that were written until then, each of which begins with its time; with or without it. */
function linesUntil(
  bytes: Uint8Array,
  untilMs: number,
  keepsTimes: boolean,
): { readonly bytes: Uint8Array; readonly isLate: boolean } {
  const lines = Buffer.from(bytes)
    .toString("utf8")
    .split(/(?<=\n)/);
  const isLate = (line: string): boolean => Date.parse(line.slice(0, line.indexOf(" "))) > untilMs;
  const first = lines.findIndex(isLate);
  const kept = (first === -1 ? lines : lines.slice(0, first)).map((line) =>
    keepsTimes ? line : line.slice(line.indexOf(" ") + 1),
  );
  return { bytes: Buffer.from(kept.join("")), isLate: first !== -1 };
}
