// Edge: sockets and timers, for a process of its own inside of a network namespace.
import { connect } from "node:net";

/** What a stream of requests came to. */
export interface RequestCount {
  readonly requests: number;
  /** How often each thing went wrong. */
  readonly failures: Readonly<Record<string, number>>;
  /** The first of them, in the order in which they were known. */
  readonly failed: readonly FailedRequest[];
  /** Milliseconds of each request that was answered. */
  readonly p99Ms: number;
}

/** A request that failed, by the clock of all hosts of a machine. */
export interface FailedRequest {
  readonly what: string;
  readonly beganAtMs: number;
  readonly failedAtMs: number;
}

/** A failure in words, with when it was known and how long that took. */
export function failureLine({ what, beganAtMs, failedAtMs }: FailedRequest): string {
  return `${new Date(failedAtMs).toISOString()} ${what} after ${Math.round(failedAtMs - beganAtMs)} ms`;
}

/** Whom to ask, how often, and how long an answer may take. */
export interface RequestPlan {
  readonly host: string;
  readonly port: number;
  readonly perSecond: number;
  readonly timeoutMs: number;
}

const KEPT = 2_000;

/**
 * Asks at a fixed rate, whether answers come or not: a new connection per request, no retry. Refused, reset, late or anything but 200
 * is a failure. Ends when standard input does, and prints the count as one line.
 */
export function streamRequests({ host, port, perSecond, timeoutMs }: RequestPlan): void {
  const failures: Record<string, number> = {};
  const failed: FailedRequest[] = [];
  const tookMs: number[] = [];
  let requests = 0;
  let open = 0;
  const startedAt = performance.now();
  const done = (startedMs: number, outcome: string): void => {
    open -= 1;
    const lastedMs = performance.now() - startedMs;
    if (outcome === "200") return void tookMs.push(lastedMs);
    failures[outcome] = (failures[outcome] ?? 0) + 1;
    const failedAtMs = Date.now();
    if (failed.length < KEPT) failed.push({ what: outcome, beganAtMs: failedAtMs - lastedMs, failedAtMs });
  };
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1_000);
    for (; requests < due; requests += 1) {
      open += 1;
      const startedMs = performance.now();
      void request({ host, port, timeoutMs }).then((outcome) => done(startedMs, outcome));
    }
  }, 1);
  process.stdin.resume().once("end", () => {
    clearInterval(timer);
    const last = setInterval(() => {
      if (open > 0) return;
      clearInterval(last);
      const sorted = tookMs.sort((one, other) => one - other);
      const p99Ms = sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
      const count: RequestCount = { requests, failures, failed, p99Ms };
      process.stdout.write(`${JSON.stringify(count)}\n`, () => process.exit(0));
    }, 10);
  });
}

function request({ host, port, timeoutMs }: Omit<RequestPlan, "perSecond">): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    let isConnected = false;
    const socket = connect({ host, port, noDelay: true }, () => {
      isConnected = true;
      socket.write("GET / HTTP/1.0\r\n\r\n");
    });
    const done = (outcome: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(outcome);
    };
    // A connection that is not made is the network's fault; an answer that does not come is the server's, or the machine's.
    const timer = setTimeout(() => done(isConnected ? "LATE ANSWER" : "NO CONNECTION"), timeoutMs);
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => {
      answer += piece;
    });
    socket.on("end", () => done(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? `EMPTY ${answer.length}`));
    socket.on("error", (error) => done("code" in error ? String(error.code) : String(error)));
  });
}
