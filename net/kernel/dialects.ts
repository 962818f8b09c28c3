import type { Dialect } from "./co-process.js";

/** `ip` and `bridge` in batch mode: an unknown object is reported, with the line's number, and changes nothing. */
function batchDialect(program: "ip" | "bridge"): Dialect {
  return {
    command: ["sh", "-c", `exec ${program} -json -details -force -batch - 2>&1`],
    mark: (number) => `tallship-mark-${number}`,
    trace: (number) => `Object "tallship-mark-${number}" is unknown`,
    answerEnd: (output, at) => {
      const failed = output.indexOf("Command failed -:", at);
      const next = failed < 0 ? -1 : output.indexOf("\n", failed);
      return next < 0 ? undefined : { end: at, next: next + 1 };
    },
  };
}

/** Links, addresses, neighbours and routes. */
export const IP_DIALECT: Dialect = batchDialect("ip");

/** Forwarding entries. */
export const BRIDGE_DIALECT: Dialect = batchDialect("bridge");

/** nft, one line a transaction: a line that is no command is reported and changes nothing. `-t`: lists leave elements out. */
export const NFT_DIALECT: Dialect = {
  command: ["sh", "-c", "exec nft -t -i 2>&1"],
  mark: (number) => `tallship_mark_${number}`,
  trace: (number) => `\ntallship_mark_${number}\n`,
  answerEnd: (output, at) => {
    const next = output.indexOf("\n", output.indexOf("\n", at + 1) + 1);
    // The line above the mark says that it is a syntax error: it belongs to the mark.
    const end = output.lastIndexOf("\n", at - 1) + 1;
    return next < 0 ? undefined : { end, next: next + 1 };
  },
};

/** A shell. Its answer ends with the exit status of the last command. */
export const SHELL_DIALECT: Dialect = {
  command: ["sh", "-c", "exec sh 2>&1"],
  mark: (number) => `echo "tallship-mark-${number} $?"`,
  trace: (number) => `tallship-mark-${number} `,
  answerEnd: (output, at) => {
    const next = output.indexOf("\n", at);
    return next < 0 ? undefined : { end: at, next: next + 1 };
  },
};
