import { type ChildProcess, spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { decode, encode } from "dns-packet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../lib/log.js";
import { systemClock } from "../lib/system-clock.js";
import { type BundledProgram, bundleProgram } from "../test/kit/bundle.js";
import { type Lab, type LabPod, makeLab, type Probe } from "../test/kit/network-lab.js";
import { networkMap, type TestService } from "../test/kit/network-world.js";
import { waitFor } from "../test/kit/wait.js";
import { namesFile, namesPath } from "./dns/names-file.js";
import { namePublisher } from "./dns/publish-names.js";
import type { NamePublisher } from "./node-network-options.js";

// One host with a pod, and the process that answers names, which stands beside what would be the agent.
let lab: Lab;
let pod: LabPod;
let program: BundledProgram;
let dns: ChildProcess;
let publisher: NamePublisher;

const runDir = (): string => `${lab.host(1).namespace.folder}/run`;

beforeAll(async () => {
  lab = await makeLab(1);
  program = await bundleProgram(`
    import { silentLog } from "./lib/log.js";
    import { runDns } from "./net/dns/main.js";
    const cluster = { dnsAddress: "10.96.0.10", clusterDomain: "cluster.local", podCIDR: "10.128.0.0/9", serviceCIDR: "10.96.0.0/12" };
    await runDns({ cluster, runDir: process.argv[2] ?? "", resolvConf: "/nonexistent", port: 53, log: silentLog }, new AbortController().signal);
  `);
  const file = namesFile(namesPath(runDir()));
  publisher = namePublisher({
    clusterDomain: "cluster.local",
    nodeName: "node-1",
    file,
    clock: systemClock,
    log: silentLog,
  });
  dns = startDns();
  await lab.setServices([]);
  pod = await lab.host(1).pod("pod", 9);
});
afterAll(async () => {
  dns.kill("SIGKILL");
  await lab.dispose();
  await rm(program.folder, { recursive: true, force: true });
});

function startDns(): ChildProcess {
  const [command = "", ...words] = lab.host(1).namespace.enter;
  return spawn(command, [...words, process.execPath, program.path, runDir()], { stdio: "inherit" });
}

const web = (clusterIP: string): TestService => ({ name: "web", clusterIP, ports: [{ port: 80 }] });
const publish = (revision: number, services: readonly TestService[]): void =>
  publisher.publish(networkMap(revision, [], services));

/** Addresses of a name as a pod or host gets them; empty when there is no answer. */
async function addresses(probe: Probe, protocol: "tcp" | "udp", name: string): Promise<readonly unknown[]> {
  const question = encode({ type: "query", id: 1, flags: 0x100, questions: [{ name, type: "A", class: "IN" }] });
  const length = Buffer.from([question.length >> 8, question.length & 255]);
  const sent = protocol === "tcp" ? Buffer.concat([length, question]) : question;
  const raw = await probe.exchange({ protocol, host: "10.96.0.10", port: 53, hex: sent.toString("hex") });
  if (!/^[0-9a-f]+$/.test(raw)) return [];
  const answer = Buffer.from(raw, "hex");
  return (decode(protocol === "tcp" ? answer.subarray(2) : answer).answers ?? []).map(
    (each) => "data" in each && each.data,
  );
}
const NAME = "web.default.svc.cluster.local";
const becomes = (want: string): Promise<unknown> =>
  waitFor(`${NAME} to be ${want}`, async () => (await addresses(pod.probe, "udp", NAME))[0] === want);

test("pods and the host ask the node's own address, by UDP and TCP", async () => {
  publish(1, [web("10.96.1.1")]);
  await becomes("10.96.1.1");
  for (const probe of [pod.probe, lab.host(1).probe])
    for (const protocol of ["udp", "tcp"] as const)
      expect(await addresses(probe, protocol, NAME)).toEqual(["10.96.1.1"]);
});

test("a change of a service changes the answer", async () => {
  publish(2, [web("10.96.1.2")]);
  await becomes("10.96.1.2");
});

test("names outlive what wrote them, the death of what answers, and the loss of the overlay's device", async () => {
  await lab.host(1).network.stop();
  expect(await addresses(pod.probe, "udp", NAME)).toEqual(["10.96.1.2"]);
  dns.kill("SIGKILL");
  dns = startDns();
  await becomes("10.96.1.2");
  await lab.host(1).restart();
  await lab.host(1).namespace.run("ip link delete tallship0");
  await lab.host(1).network.repair();
  expect(await addresses(pod.probe, "udp", NAME)).toEqual(["10.96.1.2"]);
});

test("questions for names are not tracked by the kernel", async () => {
  await addresses(pod.probe, "udp", NAME);
  const tracked = await lab.host(1).namespace.run("conntrack -L -p udp 2>/dev/null | grep -c 'dport=53 ' || true");
  expect(tracked.trim()).toBe("0");
});
