// Edge: what encrypted networks of a lab say on its links.
import { readFile } from "node:fs/promises";
import type { Lab, LabHost, LabPod } from "./network-lab.js";

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

/** Two addresses as they stand in an IPv4 header, as bytes. */
export function addressesOnWire(from: string, to: string): string {
  return String.fromCharCode(...[from, to].flatMap((address) => address.split(".").map(Number)));
}
