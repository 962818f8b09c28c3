import fc from "fast-check";
import { expect, test } from "vitest";
import type { Output } from "../shell.js";
import { LineWriter } from "./line-writer.js";

function output(): { readonly text: () => string; readonly out: Output } {
  const chunks: Buffer[] = [];
  return {
    text: () => Buffer.concat(chunks).toString("utf8"),
    out: {
      isTerminal: false,
      write: async (chunk) => {
        chunks.push(Buffer.from(chunk));
      },
    },
  };
}

test("lines of two logs are never mixed within a line", async () => {
  const { text, out } = output();
  const writer = new LineWriter(out, true);
  await writer.write("a", Buffer.from("one\ntw"));
  await writer.write("b", Buffer.from("eins\n"));
  await writer.write("a", Buffer.from("o\nthree"));
  await writer.end("a");
  await writer.end("b");
  expect(text()).toBe("[a] one\n[b] eins\n[a] two\n[a] three\n");
});

test("without names the bytes go through as they are", async () => {
  const { text, out } = output();
  const writer = new LineWriter(out, false);
  await writer.write("a", Buffer.from("no end"));
  await writer.end("a");
  expect(text()).toBe("no end");
});

test("however a log is cut into chunks, its lines are the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string()), fc.array(fc.nat(20), { minLength: 1 }), async (lines, cuts) => {
      const whole = lines.map((line) => `${line.replaceAll("\n", "")}\n`).join("");
      const { text, out } = output();
      const writer = new LineWriter(out, true);
      const bytes = Buffer.from(whole);
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const end = at + 1 + (cuts[turn % cuts.length] ?? 0);
        await writer.write("x", bytes.subarray(at, end));
        at = end;
      }
      await writer.end("x");
      expect(text()).toBe(whole.replace(/^(?=.*\n)/gm, "[x] ").replace(/\[x\] $/, ""));
    }),
    { seed: 1 },
  );
});
