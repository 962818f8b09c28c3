import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SHORTCUT_OBJECT } from "./shortcut-kernel.js";
import {
  DIRECT,
  endLines,
  linkLines,
  parseIndexes,
  SHORTCUT_MARK,
  shortcutTable,
  TO_TRANSLATED,
} from "./shortcut-text.js";

const SOURCE = SHORTCUT_OBJECT.replace(/\.o$/, ".c");

test("the programs are those that the source says: after a change of it run `npm run shortcut`", () => {
  const source = readFileSync(SOURCE);
  expect(readFileSync(`${SOURCE}.sha256`, "utf8").trim()).toBe(createHash("sha256").update(source).digest("hex"));
});

const link = { device: "eth0", podMtu: 1_450, directRanges: [] };

test("the marks that the table sets are those that the programs look for", () => {
  const defined = new Map(
    [...readFileSync(SOURCE, "utf8").matchAll(/^#define (\w+) (\w+)$/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  );
  expect(["MARK", "DIRECT", "TO_TRANSLATED"].map((name) => defined.get(name))).toEqual([
    SHORTCUT_MARK,
    DIRECT,
    TO_TRANSLATED,
  ]);
  const table = shortcutTable({ ...link, directRanges: ["10.128.0.0/9", "fd00:10:128::/48"] });
  for (const more of [0, DIRECT, TO_TRANSLATED, DIRECT + TO_TRANSLATED])
    expect(table).toContain(`meta mark set 0x${(SHORTCUT_MARK + more).toString(16)}`);
});

test("only ways that pass packets of the full size are marked: what is smaller by a remedy has pods told so", () => {
  const table = shortcutTable({ ...link, podMtu: 8_950 });
  expect(table).toContain("meta nfproto ipv4 rt mtu >= 8910");
  expect(table).toContain("meta nfproto ipv6 rt mtu >= 8890");
});

test("packets go without VXLAN only where hosts route directly, and only to the cluster's own addresses", () => {
  expect(shortcutTable(link)).not.toContain('"eth0"');
  const direct = shortcutTable({ ...link, directRanges: ["10.128.0.0/9"] });
  expect(direct).toContain('oifname "eth0" ip daddr 10.128.0.0/9');
  expect(linkLines({ ...link, directRanges: ["10.128.0.0/9"] }, "/p").join()).toContain("/p/from_direct_link");
  expect(linkLines(link, "/p").join()).not.toContain("direct");
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
