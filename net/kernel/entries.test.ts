import fc from "fast-check";
import { expect, test } from "vitest";
import { nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import { overlayEntries, settingsOf } from "../overlay/overlay-plan.js";
import { peersOf } from "../overlay/peers.js";
import { diffEntries, type Entry, type EntryChange, entryKey } from "./entries.js";
import { SimulatedKernel } from "./simulated-kernel.js";

const config = nodeConfig(4);
const entriesFor = (ats: readonly number[], shift = 0): readonly Entry[] => {
  const nodes = ats.map((at) => nodeObject(at, undefined, `192.168.9.${at + shift}`));
  return overlayEntries(config, { device: "eth0", mtu: 1_500, prefixLength: 24 }, peersOf(nodes, config).peers);
};
const describeChange = ({ do: act, entry }: EntryChange): string => `${act} ${entry.table}`;

test("a new peer is added neighbour first, route last", () => {
  expect(diffEntries(entriesFor([5]), entriesFor([])).map(describeChange)).toEqual([
    "add neigh",
    "add fdb",
    "add route",
  ]);
});

test("a departed peer is removed, route first", () => {
  expect(diffEntries(entriesFor([]), entriesFor([5])).map(describeChange)).toEqual([
    "delete route",
    "delete fdb",
    "delete neigh",
  ]);
});

test("a peer that moved on the underlay changes one entry", () => {
  expect(diffEntries(entriesFor([5], 100), entriesFor([5])).map(describeChange)).toEqual(["delete fdb", "add fdb"]);
});

test("a device that is made anew gets all its entries again, and none of them is deleted singly", () => {
  const want = entriesFor([5]);
  const have = want.map((entry) => (entry.table === "device" ? { ...entry, mtu: 1_400 } : entry));
  expect(diffEntries(want, have).map(describeChange)).toEqual([
    "delete device",
    "add device",
    "add address",
    "add address",
    "add neigh",
    "add fdb",
    "add route",
    "add route",
  ]);
});

test("settings are never taken away", () => {
  const setting: Entry = { table: "setting", name: "net.ipv4.ip_forward", value: "1" };
  expect(diffEntries([], [setting])).toEqual([]);
});

test("whatever the kernel holds, the diff makes it hold what is wanted, and a route never stands without its neighbour", async () => {
  const peers = fc.uniqueArray(fc.integer({ min: 5, max: 9 }));
  const lost = fc.array(fc.nat(30), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(peers, peers, lost, fc.constantFrom(0, 100), async (before, after, dropped, shift) => {
      const kernel = new SimulatedKernel([]);
      await kernel.changeEntries(diffEntries(entriesFor(before), []));
      for (const at of dropped) {
        const victim = entriesFor(before)[at];
        if (victim !== undefined && victim.table !== "setting") kernel.meddle({ do: "delete", entry: victim });
      }
      const read = (): Promise<readonly Entry[]> => kernel.readEntries(["tallship0"], settingsOf());
      const changes = diffEntries(entriesFor(after, shift), await read());
      for (const change of changes) {
        await kernel.changeEntries([change]);
        if (change.do === "add" && change.entry.table === "route" && change.entry.via !== "") {
          const via = change.entry.via;
          expect((await read()).some((entry) => entry.table === "neigh" && entry.ip === via)).toBe(true);
        }
      }
      expect((await read()).map(entryKey).sort()).toEqual(entriesFor(after, shift).map(entryKey).sort());
    }),
  );
});
