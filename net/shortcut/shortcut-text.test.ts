import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SHORTCUT_OBJECT } from "./shortcut-kernel.js";
import { endLines, parseIndexes, SHORTCUT_MARK, shortcutTable } from "./shortcut-text.js";

const SOURCE = SHORTCUT_OBJECT.replace(/\.o$/, ".c");

test("the programs are those that the source says: after a change of it run `npm run shortcut`", () => {
  const source = readFileSync(SOURCE);
  expect(readFileSync(`${SOURCE}.sha256`, "utf8").trim()).toBe(createHash("sha256").update(source).digest("hex"));
});

test("the mark that the table sets is the one that the programs look for", () => {
  const [, mark] = /#define MARK (0x[0-9a-f]+)/.exec(readFileSync(SOURCE, "utf8")) ?? [];
  expect(Number(mark)).toBe(SHORTCUT_MARK);
  expect(shortcutTable(1_450)).toContain(`meta mark set ${mark}`);
});

test("only ways that pass packets of the full size are marked: what is smaller by a remedy has pods told so", () => {
  expect(shortcutTable(8_950)).toContain("rt mtu >= 8910");
});

test("each of a host's ends has what its pod sends, and what comes to it", () => {
  expect(endLines(["tspx"], "/p")).toEqual([
    "qdisc add dev tspx clsact",
    "filter replace dev tspx ingress pref 49152 handle 1 bpf da object-pinned /p/from_pod",
    "filter replace dev tspx egress pref 49152 handle 1 bpf da object-pinned /p/to_pod",
  ]);
});

test("devices are told by name and index; no device is no text", () => {
  expect(parseIndexes("")).toEqual(new Map());
  expect(parseIndexes('[{"ifindex":7,"ifname":"tspx"},{}]')).toEqual(new Map([["tspx", 7]]));
});
