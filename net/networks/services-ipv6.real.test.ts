import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../../test/kit/network-lab.js";
import { dualStack, networkObject } from "../../test/kit/network-world.js";
import { PolicyWorld } from "../../test/kit/policy-world.js";
import { podIpv6 } from "../ipv6.js";

// Three hosts of both families, of which the third has pods of no network. Of the networks beside the cluster's own back and inner go between hosts, inner has no
// way out, and plain has addresses of IPv4 only.
const RANGES = { back: "fd00:64:1::/64", inner: "fd00:64:2::/96" } as const;
let lab: Lab;
let own: LabPod;
let near: LabPod;
let far: LabPod;
let both: LabPod;
let inner: LabPod;

const network = (name: keyof typeof RANGES, third: number, spec: Parameters<typeof networkObject>[1]) =>
  networkObject(name, { ...spec, subnets: [`10.64.${third}.0/24`, RANGES[name]] }, third);
/** The address of IPv6 that goes with one of IPv4. */
const six = (name: keyof typeof RANGES, address: string): string => podIpv6(RANGES[name], address);
const ownSix = ({ address }: LabPod): string => podIpv6(`fd00:10:128:${address.split(".")[2]}::/64`, address);

beforeAll(async () => {
  lab = await makeLab(3, dualStack);
  lab.setNetworks([
    network("back", 1, { vni: 5000 }),
    network("inner", 2, { vni: 5001, internal: true }),
    networkObject("plain", { vni: 5003 }, 5),
  ]);
  await lab.setServices([]);
  own = await lab.host(1).pod("own", 9);
  near = await lab.host(1).podOn("near", ["10.64.1.2"]);
  far = await lab.host(2).podOn("far", ["10.64.1.66"]);
  both = await lab.host(1).podOn("both", ["10.128.1.20", "10.64.1.3", "10.64.5.2"]);
  inner = await lab.host(1).podOn("inner", ["10.64.2.2"]);
  for (const { probe } of [own, near, far, both, inner]) await probe.serve("tcp", 8080, "::");
  for (const host of lab.hosts) {
    await host.namespace.run(`ip address replace 2001:db8:9::${host.at}/64 dev eth0 nodad`);
    await host.network.repair();
  }
  await lab.outside.run("ip address replace 2001:db8:9::64/64 dev eth0 nodad");
  await lab.stranger.serve("tcp", 8080, "::");
});
afterAll(() => lab.dispose());

/** Long enough where no answer is wanted. */
const briefly = { timeoutMs: 500 };

test("an address of IPv6 for each network of a service's pods leads there by their addresses on it, and clients keep their endpoints", async () => {
  const place = (pod: LabPod, back: string): readonly string[] => [
    `${pod.address}+default=${pod.address}+back=${back}`,
    `${ownSix(pod)}+default=${ownSix(pod)}+back=${six("back", back)}`,
  ];
  const web = (endpoints: readonly string[], sessionAffinity = "None") => ({
    ...{ name: "web", clusterIP: "10.96.0.51", ports: [{ port: 80, targetPort: 8080 }], endpoints },
    spec: { clusterIPs: ["10.96.0.51", "fd00:10:96::51"], sessionAffinity },
    networkAddresses: { default: ["10.96.0.51", "fd00:10:96::51"], back: ["10.96.0.52", "fd00:10:96::52"] },
  });
  const [mine, further] = [
    { host: "fd00:10:96::51", port: 80 },
    { host: "fd00:10:96::52", port: 80 },
  ] as const;
  await lab.setServices([web(place(both, "10.64.1.3"))]);
  expect(await near.probe.ask(further)).toBe(`both ${six("back", near.address)}`);
  expect(await far.probe.ask(further)).toBe(`both ${six("back", far.address)}`);
  // Who is led to himself on another network is seen as the next hop there.
  expect(await both.probe.ask(further)).toBe("both fd00:64:1::a40:101");
  expect(await both.probe.ask({ host: "10.96.0.52", port: 80 })).toBe("both 10.64.1.1");
  expect(await own.probe.ask(mine)).toBe(`both ${ownSix(own)}`);
  for (const from of [own, inner]) expect(await from.probe.ask({ ...further, ...briefly })).toBe("TIMEOUT");
  expect(await near.probe.ask({ ...mine, ...briefly })).toBe("TIMEOUT");
  const two = await lab.host(2).podOn("two", ["10.128.2.20", "10.64.1.70"]);
  await two.probe.serve("tcp", 8080, "::");
  const all = [...place(both, "10.64.1.3"), ...place(two, "10.64.1.70")];
  const names = async (from: LabPod): Promise<readonly string[]> => {
    const said = await Promise.all(Array.from({ length: 20 }, () => from.probe.ask(further)));
    return [...new Set(said.map((each) => each.split(" ")[0] ?? ""))].sort();
  };
  await lab.setServices([web(all)]);
  expect(await names(near)).toEqual(["both", "two"]);
  await lab.setServices([web(all, "ClientIP")]);
  expect(await names(near)).toHaveLength(1);
  expect(await names(far)).toHaveLength(1);
  for (const host of lab.hosts) expect(await host.network.repair()).toBe(0);
  await lab.setServices([]);
  await lab.host(2).network.detach(["two"]);
});

test("host ports lead by IPv6 to pods whose first network is another than the cluster's own, over a restart of the agent too", async () => {
  const port = (hostIP: string, hostPort: number) => ({
    protocol: "TCP" as const,
    hostIP,
    hostPort,
    containerPort: 8080,
  });
  const one = lab.host(1);
  const ported = await one.podOn(
    "ported",
    ["10.64.1.20", "10.128.1.21"],
    [port("", 9_001), port("2001:db8:9::1", 9_002), port("0.0.0.0", 9_003)],
  );
  const shut = await one.podOn("shut", ["10.64.2.20"], [port("", 9_004)]);
  const old = await one.podOn("old", ["10.64.5.20"], [port("", 9_005)]);
  for (const { probe } of [ported, shut, old]) await probe.serve("tcp", 8080, "::");
  const asked = (host: string, to: number, more: object = {}): Promise<string> =>
    lab.stranger.ask({ host, port: to, ...more });
  const look = async () => ({
    any: [await asked("2001:db8:9::1", 9_001), await asked("192.168.9.1", 9_001)],
    six: [await asked("2001:db8:9::1", 9_002), await asked("192.168.9.1", 9_002)],
    four: [await asked("2001:db8:9::1", 9_003), await asked("192.168.9.1", 9_003)],
    internal: await asked("2001:db8:9::1", 9_004, briefly),
    noIpv6: [await asked("2001:db8:9::1", 9_005), await asked("192.168.9.1", 9_005)],
    hosts: [
      await one.probe.ask({ host: "2001:db8:9::1", port: 9_001 }),
      await one.probe.ask({ host: "2001:db8:9::1", port: 9_004 }),
    ],
  });
  const [stranger, ipv4] = ["ported 2001:db8:9::64", "ported 192.168.9.100"];
  const want = {
    ...{ any: [stranger, ipv4], six: [stranger, "ECONNREFUSED"], four: ["ECONNREFUSED", ipv4] },
    ...{ internal: "TIMEOUT", noIpv6: ["ECONNREFUSED", "old 192.168.9.100"] },
    hosts: [expect.stringMatching(/^ported /), expect.stringMatching(/^shut /)],
  };
  expect(await look()).toEqual(want);
  await one.restart();
  expect(await look()).toEqual(want);
  await lab.setServices([]);
  await lab.setPolicies(new PolicyWorld());
  expect(await one.network.repair()).toBe(0);
  expect(await look()).toEqual(want);
  await one.network.detach(["ported", "shut", "old"]);
  expect(await asked("2001:db8:9::1", 9_001)).toBe("ECONNREFUSED");
});

test("a pod whose first network is of IPv4 alone goes out, and is reached by strangers, by IPv6 by the first of its networks that has a way out", async () => {
  const port = { protocol: "TCP" as const, hostIP: "", hostPort: 9_011, containerPort: 8080 };
  const late = await lab.host(1).podOn("late", ["10.64.5.3", "10.64.2.5", "10.64.1.5"], [port]);
  await late.probe.serve("tcp", 8080, "::");
  expect(await late.inside("ip -6 route show default")).toContain("via fd00:64:1::a40:101 dev eth2");
  expect(await late.inside("ip route show default")).toContain("dev eth0");
  expect(await late.probe.ask({ host: "2001:db8:9::64", port: 8080 })).toBe("stranger 2001:db8:9::1");
  const endpoints = ["10.64.5.3", six("back", "10.64.1.5")];
  const spec = { clusterIPs: ["10.96.0.53", "fd00:10:96::53"] };
  const ports = [{ port: 80, targetPort: 8080, nodePort: 30_081 }];
  await lab.setServices([{ name: "late", type: "NodePort", clusterIP: "10.96.0.53", spec, ports, endpoints }]);
  expect(await lab.stranger.ask({ host: "2001:db8:9::1", port: 30_081 })).toBe("late 2001:db8:9::64");
  expect(await lab.stranger.ask({ host: "2001:db8:9::1", port: 9_011 })).toBe("late 2001:db8:9::64");
  expect(await late.probe.ask({ host: "fd00:10:96::53", port: 80 })).toMatch(/^late /);
  // An internal network alone leads to services, and to nobody else.
  const shut = await lab.host(1).podOn("shut", ["10.64.5.4", "10.64.2.6"]);
  expect(await shut.probe.ask({ host: "2001:db8:9::64", port: 8080, ...briefly })).toBe("TIMEOUT");
  await lab.setServices([]);
  await lab.host(1).network.detach(["late", "shut"]);
});

test("hosts reach by services a pod on networks that are not its first, with pods of theirs or without", async () => {
  await both.probe.serve("tcp", 8081, "::");
  const endpoint = [
    "10.128.1.20+default=10.128.1.20+back=10.64.1.3",
    `${ownSix(both)}+default=${ownSix(both)}+back=${six("back", "10.64.1.3")}`,
  ];
  const networkAddresses = { default: ["10.96.0.54", "fd00:10:96::54"], back: ["10.96.0.55", "fd00:10:96::55"] };
  const spec = { clusterIPs: networkAddresses.default };
  const ports = [{ port: 80, targetPort: 8081 }];
  await lab.setServices([{ name: "web", clusterIP: "10.96.0.54", spec, ports, endpoints: endpoint, networkAddresses }]);
  for (const host of lab.hosts)
    for (const vip of networkAddresses.back)
      expect(await host.probe.ask({ host: vip, port: 80 })).toMatch(
        vip.includes(":") ? /^both fd00:64:1::/ : /^both 10\.64\.1\./,
      );
  // And directly; pods of the network are seen by their own addresses.
  for (const host of lab.hosts)
    expect(await host.probe.ask({ host: "10.64.1.3", port: 8081 })).toMatch(/^both 10\.64\.1\./);
  expect(await near.probe.ask({ host: "10.96.0.55", port: 80 })).toBe("both 10.64.1.2");
  expect(await far.probe.ask({ host: "fd00:10:96::55", port: 80 })).toBe(`both ${six("back", far.address)}`);
  await lab.setServices([]);
});
