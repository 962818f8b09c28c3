import { RUN_INSTEAD } from "../run/extras.js";
import { RUN_FLAGS } from "../run/flags.js";
import { runRun } from "../run/run.js";
import { verb } from "../verb.js";

const isKubectls = (args: readonly string[]): boolean =>
  args.some((arg) => arg === "--image" || arg.startsWith("--image="));

/** Docker's form and kubectl's. What it makes is a pod of its own, which stop keeps and start brings back. */
export const run = verb({
  forms: ["run [-d] [-it] [--rm] [-p PORT:PORT] IMAGE [COMMAND ARG…]", "run NAME --image=IMAGE [-- ARG…]"],
  description:
    "In the foreground its output comes here, Ctrl-C stops it, with a terminal Ctrl-P Ctrl-Q leaves it running, and its exit code is that of the command; 125 when it did not start, 126 or 127 when its command cannot be run or is not there.",
  examples: [
    ["run -p 4000:80 my-image", "port 4000 of every node leads to it"],
    ["run -it --rm busybox sh", "a shell that is gone afterwards"],
    ["run -d --name db -v data:/var/lib/db --restart unless-stopped db:1", "a volume that outlives it"],
  ],
  flags: RUN_FLAGS,
  instead: RUN_INSTEAD,
  operands: "words",
  takesCommand: true,
  commandFollows: (args) => !isKubectls(args),
  run: runRun,
});
