// Edge: connections into pods.
import { spawn } from "node:child_process";
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import type { ExecInput, ExecOutput } from "../../proto/gen/tallship/v1/streams.js";
import { ChildSession } from "../child-session.js";
import { feed } from "./feed.js";

/** One connection to be made. */
export interface ForwardOrder {
  /** Pinned network namespace of the pod; undefined for the host's. */
  readonly netnsPath: string | undefined;
  readonly port: number;
}

/** Seconds that a connection of which one side has ended is kept for what the other still sends. */
const HALF_CLOSED_S = 600;

/**
 * One TCP connection to a port of a pod as its own processes see it, loopback included: by socat(1) in the pod's network namespace, which no
 * thread of this process may enter. Fails when nobody listens.
 */
export async function* forward(
  { netnsPath, port }: ForwardOrder,
  input: AsyncIterable<ExecInput>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<ExecOutput> {
  // Its output ends when the server has ended, and only then: a client that has sent all still gets its answer.
  const connect = ["socat", `-t${HALF_CLOSED_S}`, "STDIN!!STDOUT,shut-close", `TCP:localhost:${port},nodelay`];
  const [program = "", ...words] = netnsPath === undefined ? connect : ["nsenter", `--net=${netnsPath}`, ...connect];
  const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"] });
  const session = new ChildSession(child, { clock, operation: "forward", cancelSignal: "SIGKILL" });
  const cancel = (): void => session.cancel();
  child.stdout.once("end", cancel);
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  void feed(session, input);
  let complaint = "";
  try {
    for await (const part of session.output) {
      if (part.is === "stdout") yield { part: { $case: "stdout", value: Buffer.from(part.bytes) } };
      else if (part.is === "stderr") complaint = (complaint + Buffer.from(part.bytes).toString("utf8")).slice(-1_000);
      else if (complaint.includes(FAILURE) && !signal.aborted) throw refused(port, complaint);
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/** What socat has before its errors; before that stand time, name and process. */
const FAILURE = " E ";

function refused(port: number, complaint: string): TallshipError {
  const line = complaint.trim().split("\n").at(-1) ?? "";
  const why = line.slice(line.indexOf(FAILURE) + FAILURE.length);
  return new TallshipError("failed_precondition", `connect to port ${port} of the pod: ${why}`);
}
