// Edge: the process that unpacks, driven over its standard input and output.
import { setPriority } from "node:os";
import { assertNever, asTallshipError } from "../../lib/errors.js";
import { localUnpacker } from "../image/layer/local-unpacker.js";
import { type FromWorker, type Job, LineCutter, type ToWorker, toLine } from "./messages.js";

/** Unpacking gives way to the agent and to containers. */
const NICENESS = 5;

/** Never returns: the process ends with its input, when the agent closes it or is gone. */
export function runWorker(): Promise<never> {
  setPriority(NICENESS);
  process.umask(0o022);
  // A terminal's interrupt goes to the agent, which decides what becomes of its workers.
  process.on("SIGINT", () => undefined);
  const cutter = new LineCutter();
  let abort = new AbortController();
  const reply = (message: FromWorker): void => {
    process.stdout.write(toLine(message));
  };
  const take = (message: ToWorker): void => {
    if (message.is === "cancel") {
      abort.abort();
      return;
    }
    abort = new AbortController();
    carryOut(message.job, abort.signal).then(
      (result) => reply({ is: "done", result }),
      (error: unknown) => {
        const { code, message: text } = asTallshipError(error);
        reply({ is: "failed", code, message: text });
      },
    );
  };
  process.stdin.setEncoding("utf8");
  process.stdin.on("data", (text: string) => {
    // The agent alone writes here, from the same build.
    for (const line of cutter.cut(text)) take(JSON.parse(line));
  });
  process.stdin.on("end", () => process.exit(0));
  reply({ is: "ready" });
  return new Promise(() => undefined);
}

function carryOut(job: Job, signal: AbortSignal): Promise<unknown> {
  switch (job.do) {
    case "unpack":
      return localUnpacker.unpack(job.with, signal);
    case "flush":
      return localUnpacker.flush(job.with.folder, signal);
    default:
      return assertNever(job);
  }
}
