import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { LogsRequest } from "../../proto/gen/tallship/v1/streams.js";
import type { Cluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import type { LineWriter } from "./line-writer.js";

/** Which part of a log is wanted, and how. */
export type LogOptions = Pick<
  LogsRequest,
  "follow" | "tailLines" | "sinceTime" | "timestamps" | "previous" | "limitBytes"
>;

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
  const log = container === "" ? `pod/${name}` : `pod/${name}/${container}`;
  const request = LogsRequest.fromPartial({ namespace, pod: name, container, ...options });
  for await (const { bytes, missedLineCount, note } of cluster.streams.logs(request, { signal: shell.signal })) {
    if (note !== "") await shell.stderr.write(`[${log}] ${note}\n`);
    if (missedLineCount > 0)
      await shell.stderr.write(
        `[${log}] ${missedLineCount} lines were missed here: they came faster than they were read\n`,
      );
    if (bytes.length > 0) await writer.write(log, bytes);
  }
  await writer.end(log);
}
