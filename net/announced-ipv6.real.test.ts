import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { dualStack, type TestService } from "../test/kit/network-world.js";
import { waitFor } from "../test/kit/wait.js";
import { podIpv6 } from "./ipv6.js";

// Two hosts of both families with a pod each, and a stranger on their link, all with addresses of 2001:db8:9::/64.
let lab: Lab;
let pods: readonly LabPod[];

const ANNOUNCED = "2001:db8:9::200";
const ipv6Of = ({ address }: LabPod): string => podIpv6(`fd00:10:128:${address.split(".")[2]}::/64`, address);

beforeAll(async () => {
  lab = await makeLab(2, dualStack);
  await lab.setServices([]);
  for (const host of lab.hosts) await host.namespace.run(`ip address add 2001:db8:9::${host.at}/64 dev eth0 nodad`);
  await lab.outside.run("ip address add 2001:db8:9::64/64 dev eth0 nodad");
  pods = [await lab.host(1).pod("one", 9), await lab.host(2).pod("two", 9)];
  for (const { probe } of pods) await probe.serve("tcp", 8080, "::");
});
afterAll(() => lab.dispose());

/** A service that a node announces, whose packets stay on the node that they came to: the pod tells which that was. */
const served = (announcedBy: string): TestService => ({
  ...{ name: "web", type: "LoadBalancer", clusterIP: "fd00:10:96::11", announced: [ANNOUNCED], announcedBy },
  ports: [{ port: 80, targetPort: 8080 }],
  endpoints: pods.map(ipv6Of),
  spec: { externalTrafficPolicy: "Local" },
});

const ask = (port = 80, timeoutMs = 5_000): Promise<string> => lab.stranger.ask({ host: ANNOUNCED, port, timeoutMs });
const answers = (want: string) => async (): Promise<boolean> => (await ask(80, 500)) === want;
const macOf = async (at: number): Promise<string> =>
  /link\/ether (\S+)/.exec(await lab.host(at).namespace.run("ip link show dev eth0"))?.[1] ?? "";
/** The hardware address that the stranger knows for the announced one; it asks nobody. */
const known = async (): Promise<string> =>
  /lladdr (\S+)/.exec(await lab.outside.run(`ip -6 neighbour show ${ANNOUNCED} dev eth0`))?.[1] ?? "";

test("an announced address of IPv6 is answered for by the node that is named, with the client's own address", async () => {
  await lab.setServices([served("node-1")]);
  await waitFor("the first node to answer", answers("one 2001:db8:9::64"));
  expect(await known()).toBe(await macOf(1));
  expect(await ask(81)).toBe("ECONNREFUSED");
});

test("when it moves, the link is told: whoever knows the address has it at the other node before asking again", async () => {
  await lab.setServices([served("node-1")]);
  await waitFor("the first node to answer", answers("one 2001:db8:9::64"));
  const second = await macOf(2);
  await lab.setServices([served("node-2")]);
  await waitFor("the stranger to hear of it", async () => (await known()) === second);
  await waitFor("the second node to answer", answers("two 2001:db8:9::64"));
});

test("an agent that starts anew leaves it where it is, and what somebody takes away is put back", async () => {
  await lab.setServices([served("node-2")]);
  await waitFor("the second node to answer", answers("two 2001:db8:9::64"));
  const network = await lab.host(2).restart();
  expect(await network.repair()).toBe(0);
  expect(await ask()).toBe("two 2001:db8:9::64");
  await lab.setServices([served("node-2")]);
  const damage = `ip neighbour delete proxy ${ANNOUNCED} dev eth0; ip address delete ${ANNOUNCED}/128 dev tallship0; sysctl -qw net.ipv6.conf.eth0.proxy_ndp=0`;
  expect(await lab.host(2).damage(damage)).toBe(3);
  await lab.outside.run("ip -6 neighbour flush dev eth0");
  await waitFor("the second node to answer again", answers("two 2001:db8:9::64"));
});

test("it is no address of the host's own, and goes without a trace", async () => {
  await lab.setServices([served("node-1")]);
  const { namespace } = lab.host(1);
  expect(await namespace.run("ip -6 route get 2001:db8:9::64")).toContain("src 2001:db8:9::1");
  await lab.setServices([served("")]);
  const left = async (): Promise<string> =>
    namespace.run("ip -6 address show; ip -6 neighbour show proxy").then((text) => text);
  await waitFor("the first node to let go", async () => !(await left()).includes(ANNOUNCED));
  expect(await lab.host(1).network.repair()).toBe(0);
});
