import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { diffEntries, type Entry, entryKey } from "../../net/kernel/entries.js";
import { diffFirewall, type FirewallChain, type FirewallSet, type FirewallTable } from "../../net/kernel/firewall.js";
import type { Kernel, PodWiring, UnderlayDevice } from "../../net/kernel/kernel.js";
import type { ElementChange, RuleElement, RuleFrame, RuleMap } from "../../net/kernel/rules.js";
import { base, MARKED, peer } from "./kernel-entries.js";

/** A kernel under test, and what others may do to it behind its back. */
export interface KernelBench {
  readonly kernel: Kernel;
  /** A device that is there from the start. */
  readonly underlay: UnderlayDevice & { readonly address: string };
  deleteDevice(device: string): Promise<void>;
  deletePodDevice(uid: string): Promise<void>;
  flushRuleset(): Promise<void>;
  dispose(): Promise<void>;
}

const FRAME: RuleFrame = {
  family: "IPv4",
  overlayDevice: "tallship0",
  vxlanPort: 4789,
  gateway: "10.128.4.1",
  clusterCIDR: "10.128.0.0/9",
  serviceCIDR: "10.96.0.0/12",
  dnsAddress: "10.96.0.10",
  affinitySeconds: [],
};

const pod = (uid: string, last: number): PodWiring => ({
  uid,
  address: `10.128.4.${last}`,
  mtu: 1400,
  gateway: "10.128.4.1",
});

const service = (last: number, endpoint: string): readonly RuleElement[] => [
  { map: "service-endpoints", key: `10.96.1.${last} . tcp . 80 . 0`, value: endpoint },
  { map: "services", key: `10.96.1.${last} . tcp . 80`, value: "goto pick-1" },
];

const adds = (elements: readonly RuleElement[]): ElementChange[] =>
  elements.map((element) => ({ do: "add", ...element }));
const deletes = (elements: readonly RuleElement[]): ElementChange[] =>
  elements.map((element) => ({ do: "delete", ...element }));

const setOf = (...keys: readonly string[]): FirewallSet => ({
  is: "set",
  type: "type ipv4_addr;",
  elements: new Map(keys.map((key) => [key, ""])),
});

/** A firewall's table in which each pod of the list has a chain of its own that lets one set in. */
const firewallOf = (...pods: readonly string[]): FirewallTable => {
  const verdicts = new Map(pods.map((pod) => [`10.128.4.${pod}`, `goto pod-${pod}`]));
  const base = { hook: "type filter hook forward priority -5; policy accept;", rules: ["ip daddr vmap @verdicts"] };
  return {
    sets: new Map<string, FirewallSet>([
      ...pods.map((pod): [string, FirewallSet] => [`pods-${pod}`, setOf(`10.128.4.${pod}`)]),
      ["verdicts", { is: "map", type: "type ipv4_addr : verdict;", elements: verdicts }],
    ]),
    chains: new Map<string, FirewallChain>([
      ["base", base],
      ...pods.flatMap((pod): [string, FirewallChain][] => [
        [`pod-${pod}`, { hook: "", rules: [`jump allow-${pod}`, "drop"] }],
        [`allow-${pod}`, { hook: "", rules: [`ip saddr @pods-${pod} accept`] }],
      ]),
    ]),
  };
};

/** The laws of a host's network tables that the network's planners rely on. Real and simulated kernels pass them alike. */
export function kernelConformance(name: string, make: () => Promise<KernelBench>): void {
  describe(`kernel conformance: ${name}`, () => {
    let bench: KernelBench;
    beforeEach(async () => {
      bench = await make();
    });
    afterEach(() => bench.dispose());

    const read = async (): Promise<readonly string[]> =>
      (await bench.kernel.readEntries(["tallship0"], ["net.ipv4.ip_forward"])).map(entryKey).sort();
    const bring = async (want: readonly Entry[]): Promise<void> => {
      const have = await bench.kernel.readEntries(["tallship0"], ["net.ipv4.ip_forward"]);
      await bench.kernel.changeEntries(diffEntries(want, have));
    };
    const elements = async (...maps: readonly RuleMap[]): Promise<readonly string[]> => {
      const found: string[] = [];
      await bench.kernel.readElements(maps, ({ map, key, value }) => found.push(`${map} ${key} ${value}`));
      return found.sort();
    };

    test("the underlay's device is found by its address, and a strange address by none", async () => {
      const { address, ...device } = bench.underlay;
      expect(await bench.kernel.underlay(address)).toEqual(device);
      expect(await bench.kernel.underlay("203.0.113.9")).toBeUndefined();
    });

    test("what is added is read back, exactly, and applying it twice changes nothing", async () => {
      const want = [...base(bench.underlay.address), ...peer(5), ...peer(6)];
      await bring(want);
      expect(await read()).toEqual(want.map(entryKey).sort());
      await bench.kernel.changeEntries(want.map((entry) => ({ do: "add", entry })));
      expect(await read()).toEqual(want.map(entryKey).sort());
    });

    test("rules and routes of tables of their own, of both families, are read back beside the main table's, and go alone", async () => {
      const ground = [...base(bench.underlay.address), ...peer(5)];
      await bring([...ground, ...MARKED]);
      expect(await read()).toEqual([...ground, ...MARKED].map(entryKey).sort());
      await bench.kernel.changeEntries(MARKED.map((entry) => ({ do: "add", entry })));
      expect(await read()).toEqual([...ground, ...MARKED].map(entryKey).sort());
      await bring(ground);
      await bench.kernel.changeEntries([...MARKED].reverse().map((entry) => ({ do: "delete", entry })));
      expect(await read()).toEqual(ground.map(entryKey).sort());
    });

    test("a departed peer leaves nothing, and deleting it again is no error", async () => {
      await bring([...base(bench.underlay.address), ...peer(5), ...peer(6)]);
      const left = [...base(bench.underlay.address), ...peer(6)];
      await bring(left);
      await bench.kernel.changeEntries([...peer(5)].reverse().map((entry) => ({ do: "delete", entry })));
      expect(await read()).toEqual(left.map(entryKey).sort());
    });

    test("a peer that comes back under another address is the same peer", async () => {
      await bring([...base(bench.underlay.address), ...peer(5)]);
      const moved = [...base(bench.underlay.address), ...peer(5, "192.168.9.77")];
      await bring(moved);
      expect(await read()).toEqual(moved.map(entryKey).sort());
    });

    test("a route's MTU is read back, changed and taken away, and the gateway may have a route of its own", async () => {
      const [neigh, fdb, route] = peer(5);
      if (neigh === undefined || fdb === undefined || route?.table !== "route")
        throw new Error("a peer has three entries");
      const ground = [...base(bench.underlay.address), neigh, fdb];
      const own = { ...route, subnet: "10.128.5.1/32" };
      for (const want of [[own, { ...route, mtu: 1_350 }], [own, { ...route, mtu: 1_300 }], [route]]) {
        await bring([...ground, ...want]);
        expect(await read()).toEqual([...ground, ...want].map(entryKey).sort());
      }
    });

    test("checksums are left to the card, until they are not, and a device that is not there tells nothing", async () => {
      expect(await bench.kernel.leavesChecksums("tallship0")).toBeUndefined();
      await bring(base(bench.underlay.address));
      for (const isLeft of [true, false, true]) {
        await bench.kernel.leaveChecksums("tallship0", isLeft);
        expect(await bench.kernel.leavesChecksums("tallship0")).toBe(isLeft);
      }
    });

    test("a device that somebody deletes takes its entries along, and one diff brings all back", async () => {
      const want = [...base(bench.underlay.address), ...peer(5)];
      await bring(want);
      await bench.deleteDevice("tallship0");
      expect(await read()).not.toContain(entryKey(want[1] as Entry));
      await bring(want);
      expect(await read()).toEqual(want.map(entryKey).sort());
    });

    test("a device whose settings changed is made anew with all its entries", async () => {
      await bring([...base(bench.underlay.address), ...peer(5)]);
      const want = [...base(bench.underlay.address), ...peer(5)].map((entry) =>
        entry.table === "device" ? { ...entry, vni: 8 } : entry,
      );
      await bring(want);
      expect(await read()).toEqual(want.map(entryKey).sort());
    });

    test("an entry on a device that does not exist is refused with kernel_failed, the others are applied", async () => {
      const [setting] = base(bench.underlay.address);
      const changes = [...peer(5), setting as Entry].map((entry) => ({ do: "add" as const, entry }));
      await expect(bench.kernel.changeEntries(changes)).rejects.toMatchObject({ code: "kernel_failed" });
      expect(await read()).toContain(entryKey(setting as Entry));
    });

    test("pods are made in one batch, listed whole, and made again without harm", async () => {
      await bring(base(bench.underlay.address));
      expect(await bench.kernel.createPods([pod("uid-1", 9), pod("uid-2", 10)])).toEqual(new Map());
      expect(await bench.kernel.createPods([pod("uid-1", 9)])).toEqual(new Map());
      const listed = [...(await bench.kernel.listPods())].sort((one, other) => (one.uid < other.uid ? -1 : 1));
      expect(listed).toEqual([
        { uid: "uid-1", address: "10.128.4.9", isWhole: true, further: [] },
        { uid: "uid-2", address: "10.128.4.10", isWhole: true, further: [] },
      ]);
    });

    test("a removed pod leaves nothing, and an unknown one is no error", async () => {
      await bring(base(bench.underlay.address));
      await bench.kernel.createPods([pod("uid-1", 9), pod("uid-2", 10)]);
      expect(await bench.kernel.removePods(["uid-1", "uid-3"])).toEqual(new Map());
      expect((await bench.kernel.listPods()).map((each) => each.uid)).toEqual(["uid-2"]);
    });

    test("a pod whose device somebody deleted is not whole, and is completed in the same namespace", async () => {
      await bring(base(bench.underlay.address));
      await bench.kernel.createPods([pod("uid-1", 9)]);
      await bench.deletePodDevice("uid-1");
      expect((await bench.kernel.listPods()).map((each) => each.isWhole)).toEqual([false]);
      expect(await bench.kernel.createPods([pod("uid-1", 9)])).toEqual(new Map());
      expect(await bench.kernel.listPods()).toEqual([
        { uid: "uid-1", address: "10.128.4.9", isWhole: true, further: [] },
      ]);
    });

    test("an address moves to a new pod at once", async () => {
      await bring(base(bench.underlay.address));
      await bench.kernel.createPods([pod("uid-1", 9)]);
      await bench.kernel.removePods(["uid-1"]);
      expect(await bench.kernel.createPods([pod("uid-2", 9)])).toEqual(new Map());
      expect(await bench.kernel.listPods()).toEqual([
        { uid: "uid-2", address: "10.128.4.9", isWhole: true, further: [] },
      ]);
    });

    test("rules are replaced as a whole: only the last elements remain", async () => {
      await bench.kernel.replaceRules(FRAME, service(1, "10.128.4.9 . 8080"));
      await bench.kernel.replaceRules(FRAME, [
        ...service(2, "10.128.4.9 . 8080"),
        { map: "hairpins", key: "10.128.4.9 . 10.128.4.9", value: "" },
        { map: "hairpins", key: "10.128.4.10 . 10.128.4.10", value: "" },
        { map: "host-ports", key: "127.0.0.1 . tcp . 8080", value: "10.128.4.9 . 80" },
        { map: "host-ports-any", key: "udp . 53", value: "10.128.4.9 . 53" },
        { map: "node-ports", key: "sctp . 30000", value: "goto node-pick-1" },
        { map: "node-port-endpoints", key: "sctp . 30000 . 0", value: "10.128.4.9 . 9" },
      ]);
      expect(await elements("services", "service-endpoints", "hairpins")).toEqual([
        "hairpins 10.128.4.10 . 10.128.4.10 ",
        "hairpins 10.128.4.9 . 10.128.4.9 ",
        "service-endpoints 10.96.1.2 . tcp . 80 . 0 10.128.4.9 . 8080",
        "services 10.96.1.2 . tcp . 80 goto pick-1",
      ]);
      expect(await elements("host-ports", "host-ports-any", "node-ports", "node-port-endpoints")).toEqual([
        "host-ports 127.0.0.1 . tcp . 8080 10.128.4.9 . 80",
        "host-ports-any udp . 53 10.128.4.9 . 53",
        "node-port-endpoints sctp . 30000 . 0 10.128.4.9 . 9",
        "node-ports sctp . 30000 goto node-pick-1",
      ]);
    });

    test("elements change in one transaction: a value by delete and add", async () => {
      await bench.kernel.replaceRules(FRAME, service(1, "10.128.4.9 . 8080"));
      const [slot] = service(1, "10.128.4.9 . 8080");
      const [moved] = service(1, "10.128.4.10 . 8080");
      await bench.kernel.changeElements([
        ...deletes([slot as RuleElement]),
        ...adds([moved as RuleElement, ...service(2, "10.128.4.9 . 8080")]),
      ]);
      expect(await elements("service-endpoints")).toEqual([
        "service-endpoints 10.96.1.1 . tcp . 80 . 0 10.128.4.10 . 8080",
        "service-endpoints 10.96.1.2 . tcp . 80 . 0 10.128.4.9 . 8080",
      ]);
    });

    // Each row is refused for one reason; nothing of its transaction may stay.
    const refusedChanges = [
      { why: "deletes what is absent", changes: deletes(service(9, "10.128.4.9 . 8080")) },
      { why: "adds another value under a key", changes: adds(service(1, "10.128.4.77 . 8080")) },
    ];
    for (const { why, changes } of refusedChanges) {
      test(`a transaction that ${why} fails with kernel_failed and changes nothing`, async () => {
        await bench.kernel.replaceRules(FRAME, service(1, "10.128.4.9 . 8080"));
        const before = await elements("services", "service-endpoints");
        const attempt = bench.kernel.changeElements([...adds(service(2, "10.128.4.9 . 8080")), ...changes]);
        await expect(attempt).rejects.toMatchObject({ code: "kernel_failed" });
        expect(await elements("services", "service-endpoints")).toEqual(before);
      });
    }

    test("a big transaction is one transaction", async () => {
      await bench.kernel.replaceRules(FRAME, []);
      const many = Array.from({ length: 3_000 }, (_, at): readonly RuleElement[] => {
        const key = `10.97.${at >> 8}.${at & 255} . udp . 53`;
        return [
          { map: "service-endpoints", key: `${key} . 0`, value: "10.128.4.9 . 8080" },
          { map: "services", key, value: "goto pick-1" },
        ];
      }).flat();
      await bench.kernel.changeElements(adds(many));
      expect((await elements("services")).length).toBe(3_000);
      const broken = [...deletes(many), ...deletes(service(9, ""))];
      await expect(bench.kernel.changeElements(broken)).rejects.toMatchObject({ code: "kernel_failed" });
      expect((await elements("services")).length).toBe(3_000);
      await bench.kernel.changeElements(deletes(many));
      expect(await elements("services", "service-endpoints")).toEqual([]);
    });

    test("the fingerprint is blind to elements, and tells when somebody flushed the rules", async () => {
      expect(await bench.kernel.ruleFingerprint()).toBe("");
      expect(await bench.kernel.hasRules()).toBe(false);
      await bench.kernel.replaceRules(FRAME, service(1, "10.128.4.9 . 8080"));
      const made = await bench.kernel.ruleFingerprint();
      expect(made).not.toBe("");
      await bench.kernel.changeElements(adds(service(2, "10.128.4.9 . 8080")));
      expect(await bench.kernel.ruleFingerprint()).toBe(made);
      expect(await bench.kernel.hasRules()).toBe(true);
      await bench.flushRuleset();
      expect(await bench.kernel.hasRules()).toBe(false);
      expect(await bench.kernel.ruleFingerprint()).toBe("");
      await expect(bench.kernel.changeElements(adds(service(3, "10.128.4.9 . 1")))).rejects.toMatchObject({
        code: "kernel_failed",
      });
      expect(await elements("services")).toEqual([]);
    });

    const firewallElements = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      await bench.kernel.readFirewall(({ set, key, value }) => found.push(`${set} ${key} ${value}`));
      return found.sort();
    };

    test("the firewall's table goes from any state to any other in one transaction, and back", async () => {
      const states = [firewallOf("7", "8"), firewallOf("8", "9"), firewallOf(), firewallOf("7"), firewallOf("7", "8")];
      await bench.kernel.replaceFirewall(firewallOf("9"));
      let held = firewallOf("9");
      for (const next of states) {
        await bench.kernel.changeFirewall(diffFirewall(held, next));
        held = next;
        const want = [...next.sets].flatMap(([set, { elements }]) =>
          [...elements].map(([key, value]) => `${set} ${key} ${value}`),
        );
        expect(await firewallElements()).toEqual(want.sort());
      }
    });

    test("a change of the firewall that is refused in part is refused as a whole", async () => {
      await bench.kernel.replaceFirewall(firewallOf("7"));
      const before = await firewallElements();
      const elements = new Map([["10.128.4.9", "goto pod-9"]]);
      for (const act of ["add-elements", "delete-elements"] as const) {
        const changes = [
          ...diffFirewall(firewallOf("7"), firewallOf("7", "8")),
          { do: act, name: "verdicts", elements },
        ];
        await expect(bench.kernel.changeFirewall(changes)).rejects.toMatchObject({ code: "kernel_failed" });
        expect(await firewallElements()).toEqual(before);
      }
    });

    test("the firewall's fingerprint is blind to elements, tells chains apart, and is empty without a table", async () => {
      expect([await bench.kernel.hasFirewall(), await bench.kernel.firewallFingerprint()]).toEqual([false, ""]);
      await bench.kernel.replaceFirewall(firewallOf("7"));
      const made = await bench.kernel.firewallFingerprint();
      const elements = new Map([["10.128.4.99", ""]]);
      await bench.kernel.changeFirewall([{ do: "add-elements", name: "pods-7", elements }]);
      expect([await bench.kernel.hasFirewall(), await bench.kernel.firewallFingerprint()]).toEqual([true, made]);
      await bench.kernel.changeFirewall(diffFirewall(firewallOf("7"), firewallOf("7", "8")));
      expect(await bench.kernel.firewallFingerprint()).not.toBe(made);
      await bench.flushRuleset();
      expect([await bench.kernel.hasFirewall(), await bench.kernel.firewallFingerprint()]).toEqual([false, ""]);
    });

    test("no connections are read of addresses that have none, and cutting those is no error", async () => {
      expect(await bench.kernel.readFlows(["10.128.4.9"])).toEqual([]);
      const flow = { protocol: "tcp", from: "10.128.4.9", to: "10.128.4.8", port: 80 };
      await bench.kernel.cutFlows([{ ...flow, sentTo: "10.128.4.8", fromPort: 40_000, sentToPort: 80 }]);
    });

    test("where nothing was translated, no connection is found", async () => {
      const found: unknown[] = [];
      await bench.kernel.readTranslated((flow) => found.push(flow));
      expect(found).toEqual([]);
    });

    test("forgetting connections that do not exist is no error", async () => {
      await bench.kernel.forgetFlows([
        { protocol: "udp", endpoint: "10.128.4.9", endpointPort: 53 },
        { protocol: "udp", sentTo: "10.96.1.1", sentToPort: 53 },
        { protocol: "tcp", endpoint: "10.128.4.9" },
      ]);
    });
  });
}
