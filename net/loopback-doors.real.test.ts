import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { waitFor } from "../test/kit/wait.js";
import type { HostPort } from "./node-network.js";

// One host of a cluster of IPv4 alone, and a stranger on its link, whose addresses of IPv6 are the link's.
let lab: Lab;

const port = (hostPort: number, protocol: HostPort["protocol"] = "TCP", hostIP = "::1"): HostPort => ({
  ...{ protocol, hostIP, hostPort },
  containerPort: 8080,
});

async function pod(name: string, last: number, ports: readonly HostPort[]): Promise<LabPod> {
  const made = await lab.host(1).pod(name, last, ports);
  await made.probe.serve("tcp", 8080);
  await made.probe.serve("udp", 8080);
  return made;
}

const ask = (hostPort: number, host = "::1", protocol: "tcp" | "udp" = "tcp"): Promise<string> =>
  lab.host(1).probe.ask({ host, port: hostPort, protocol, timeoutMs: 2_000 });

const doorsFolder = (): string => `${lab.host(1).namespace.folder}/run/doors`;
const doorFile = (): string => `${doorsFolder()}/tcp-9001.door`;

beforeAll(async () => {
  lab = await makeLab(1);
  await lab.setServices([]);
  await lab.host(1).namespace.run("ip address add 2001:db8:9::1/64 dev eth0 nodad");
  await lab.outside.run("ip address add 2001:db8:9::64/64 dev eth0 nodad");
});
afterAll(async () => {
  await lab.host(1).network.detach(["one", "two", "three"]);
  await lab.dispose();
});

test("a host port of ::1 leads the host to the pod by TCP and UDP, and nobody else", async () => {
  await pod("one", 9, [port(9_001), port(9_001, "UDP")]);
  expect(await ask(9_001)).toBe("one 10.128.1.1");
  expect(await ask(9_001, "::1", "udp")).toBe("one 10.128.1.1");
  expect(await ask(9_001, "127.0.0.1")).toBe("ECONNREFUSED");
  // Whatever the pod refuses, nothing piles up.
  expect((await lab.host(1).namespace.run(`readlink ${doorsFolder()}/tcp-9001.log`)).trim()).toBe("/dev/null");
  expect(await ask(9_001, "2001:db8:9::1")).toBe("ECONNREFUSED");
  expect(await lab.stranger.ask({ host: "2001:db8:9::1", port: 9_001, timeoutMs: 500 })).toBe("ECONNREFUSED");
});

test("it goes on while the agent is away, is found by the next one, and is put back when its program dies", async () => {
  const { namespace } = lab.host(1);
  const program = (): Promise<string> => namespace.run(`head -1 ${doorFile()}`);
  const before = await program();
  const network = await lab.host(1).restart();
  expect(await ask(9_001)).toBe("one 10.128.1.1");
  expect(await program()).toBe(before);
  expect(await network.repair()).toBe(0);
  await namespace.run(`kill -9 ${before}`);
  await waitFor("the door to be put back", async () => {
    await network.repair();
    return (await program()) !== before && (await ask(9_001)) === "one 10.128.1.1";
  });
});

test("a port that a program of the host's has stays its own, keeps no other pod waiting, and is had once it is free", async () => {
  const { namespace, probe } = lab.host(1);
  // With reuseaddr: else what is left of its connections may hold the port for a minute.
  const listen =
    "setsid socat TCP6-LISTEN:9002,bind=[::1],reuseaddr,fork SYSTEM:true </dev/null >/dev/null 2>&1 & echo $!";
  const owner = (await namespace.run(listen)).trim();
  await waitFor("the program to listen", async () => (await ask(9_002)) !== "ECONNREFUSED");
  await pod("two", 10, [port(9_002)]);
  await pod("three", 11, [port(9_003), port(9_004, "TCP", "127.0.0.1")]);
  expect(await ask(9_003)).toBe("three 10.128.1.1");
  expect(await probe.ask({ host: "127.0.0.1", port: 9_004 })).toMatch(/^three /);
  expect(await ask(9_002)).not.toContain("two");
  await namespace.run(`kill ${owner}`);
  await waitFor("the pod to have its port", async () => {
    await lab.host(1).network.repair();
    return (await ask(9_002)) === "two 10.128.1.1";
  });
});

test("a pod that goes takes its port along", async () => {
  await lab.host(1).network.detach(["one", "two", "three"]);
  for (const each of [9_001, 9_002, 9_003]) expect(await ask(each)).toBe("ECONNREFUSED");
  expect((await lab.host(1).namespace.run(`ls ${doorsFolder()}`)).trim()).toBe("");
});
