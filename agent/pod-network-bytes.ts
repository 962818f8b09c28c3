// Edge: the network counters of a process.
import { readFileSync } from "node:fs";

/** What went over a pod's network since it was made. */
export interface NetworkBytes {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Bytes over all devices but the loopback, as a process of the pod's network namespace sees them; none when it has ended. */
export function networkBytes(pid: number): NetworkBytes {
  let lines: readonly string[] = [];
  try {
    lines = readFileSync(`/proc/${pid}/net/dev`, "utf8").split("\n").slice(2);
  } catch {
    return { receivedBytes: 0, sentBytes: 0 };
  }
  const rows = lines.map((line) => line.trim().split(/[:\s]+/)).filter(([name]) => name !== "lo" && name !== "");
  const sum = (column: number): number => rows.reduce((total, row) => total + Number(row[column] ?? 0), 0);
  return { receivedBytes: sum(1), sentBytes: sum(9) };
}
