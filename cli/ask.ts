import type { Shell } from "./shell.js";

/** Asks on the terminal and waits for a line. Anything but yes is no, and so is the end of the input. */
export async function ask(shell: Shell, question: string): Promise<boolean> {
  await shell.stderr.write(`${question} [y/N] `);
  let answer = "";
  for await (const chunk of shell.stdin.chunks(shell.signal)) {
    answer += Buffer.from(chunk).toString("utf8");
    if (answer.includes("\n")) break;
  }
  return /^\s*y(?:es)?\s*$/i.test(answer);
}
