// Edge: what encrypted networks of a lab say on its links.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tunnelDevice } from "../../net/device-names.js";
import { parseIpv6 } from "../../net/ipv6.js";
import { tunnelKeyFile } from "../../net/tunnels/key-file.js";
import { type Lab, type LabHost, type LabPod, makeLab, tunnelKeyPath } from "./network-lab.js";
import { waitFor } from "./wait.js";

/** How long a lab waits for those before it: each of these files takes up to a minute. */
export const TURN_MS = 300_000;

/**
 * A lab whose hosts make tunnels, once no other test of this machine has one: wireguard-go keeps its sockets by devices' names in one folder for all network namespaces,
 * and hosts of labs have the same names.
 */
export async function makeEncryptedLab(...args: Parameters<typeof makeLab>): Promise<Lab> {
  const done = await turn();
  try {
    const lab = await makeLab(...args);
    return { ...lab, dispose: () => lab.dispose().finally(done) };
  } catch (error) {
    await done();
    throw error;
  }
}

/** Holds a lock as long as the program that has it lives: it ends with this process, too. */
async function turn(): Promise<() => Promise<void>> {
  const lock = join(tmpdir(), "tallship-tunnels.lock");
  const holder = spawn("flock", [lock, "sh", "-c", "echo mine; exec cat"], { stdio: ["pipe", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  return async () => {
    const exit = once(holder, "exit");
    holder.stdin.end();
    await exit;
  };
}

/** What is told beside whom to ask. */
interface Asking {
  readonly bytes?: number;
  readonly protocol?: "tcp" | "udp";
  readonly timeoutMs?: number;
}

/** Asks, from a pod, who answers at an address. */
export function askFrom(pod: LabPod, host: string, more: Asking = {}): Promise<string> {
  return pod.probe.ask({ host, port: 8080, ...more });
}

/** Long enough where no answer is wanted. */
export const briefly: Asking = { timeoutMs: 1_000 };

/** Lets hosts hear of each other's keys until nobody has news. */
export async function keysExchanged(lab: Lab): Promise<void> {
  const all = (): string => JSON.stringify(lab.hosts.map(({ published }) => published.tunnels));
  for (let before = ""; before !== all(); ) {
    before = all();
    await lab.setServices([]);
  }
}

/** The generations of the keys that each host has published. */
export function generationsOf(lab: Lab): readonly (readonly number[])[] {
  return lab.hosts.map(({ published }) => published.tunnels.map(({ generation }) => generation));
}

/** Changes the keys of all hosts, from the first generation to the second, as time does; `to` is an address that host 1 reaches by a tunnel. */
export async function keysChanged(lab: Lab, to: string): Promise<void> {
  await aged([lab.host(1)], 40 * 86_400_000);
  const isSo = (wanted: readonly number[]): boolean =>
    generationsOf(lab).every((each) => JSON.stringify(each) === JSON.stringify(wanted));
  await waitFor("all hosts to have both keys", async () => {
    await keysExchanged(lab);
    return isSo([1, 2]) || undefined;
  });
  await waitFor("all to have answered by the new keys", async () => {
    await keysExchanged(lab);
    const route = await lab.host(1).namespace.run(`ip route get ${to}`);
    return route.includes(tunnelDevice("node-1", 2)) || undefined;
  });
  await aged(lab.hosts, 3_600_000);
  await waitFor("the old keys to be gone", async () => {
    await keysExchanged(lab);
    return isSo([2]) || undefined;
  });
}

/** Their newest keys are older by so much, and their agents begin anew. */
async function aged(hosts: readonly LabHost[], ms: number): Promise<void> {
  for (const host of hosts) {
    const file = tunnelKeyPath(host.namespace);
    const keys = await tunnelKeyFile(file).load();
    const newest = Math.max(...keys.map(({ generation }) => generation));
    const older = keys.map((key) => (key.generation === newest ? { ...key, madeAtMs: key.madeAtMs - ms } : key));
    await writeFile(file, JSON.stringify(older), { mode: 0o600 });
    await host.restart();
  }
}

/** The numbers of the pings that a pod had answered while this was done, of fifty a second, in order. */
export async function pingsAnswered(pod: LabPod, to: string, act: () => Promise<void>): Promise<readonly number[]> {
  const file = `/tmp/tallship-ping-of-${pod.uid}`;
  const moments = "for i in 1 2 3; do sleep 0.1; done";
  await pod.inside(`ping -i 0.02 -W 1 ${to} >${file} 2>&1 & echo $! >${file}.pid; ${moments}`);
  await act();
  await pod.inside(`kill -INT $(cat ${file}.pid); ${moments}`);
  const said = await pod.inside(`cat ${file}; rm -f ${file} ${file}.pid`);
  return [...said.matchAll(/icmp_seq=(\d+) /g)].map(([, number]) => Number(number)).sort((a, b) => a - b);
}

/** Everything that passes a host's link while this is done. */
export async function captured({ namespace }: LabHost, act: () => Promise<unknown>): Promise<string> {
  const file = `${namespace.folder}/capture`;
  const begin = `tcpdump --immediate-mode -U -i eth0 -w ${file} >/dev/null 2>&1 & echo $! >${file}.pid`;
  await namespace.run(`${begin}; for i in $(seq 100); do [ -s ${file} ] && break; sleep 0.1; done`);
  try {
    await act();
    const end = `pid=$(cat ${file}.pid); sleep 0.5; kill -INT $pid`;
    await namespace.run(`${end}; for i in $(seq 100); do [ -e /proc/$pid/exe ] || break; sleep 0.1; done`);
    return await readFile(file, "latin1");
  } finally {
    await namespace.run(`kill -KILL $(cat ${file}.pid) 2>/dev/null || true; rm -f ${file} ${file}.pid`);
  }
}

/** Two addresses of one family as they stand in a header, as bytes. */
export function addressesOnWire(from: string, to: string): string {
  return String.fromCharCode(...[from, to].flatMap(bytesOf));
}

function bytesOf(address: string): readonly number[] {
  const value = parseIpv6(address);
  if (value === undefined) return address.split(".").map(Number);
  return [...Buffer.from(value.toString(16).padStart(32, "0"), "hex")];
}
