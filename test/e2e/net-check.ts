import { expect } from "vitest";
import { run } from "../kit/shell.js";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, startCluster, waitReady } from "./cluster.js";
import { SERVERS } from "./healed.js";

/** Hosts of a cluster whose faults are looked at, and the ways between them, each way by itself. */
const HOSTS = 4;
const WAYS = HOSTS * (HOSTS - 1);

/** How long a fault may go without its name. */
export const WITHIN = { deadlineMs: 60_000, everyMs: 500 };
/** What is shown tells of the last minute. */
const UNTIL_WELL = { deadlineMs: 90_000, everyMs: 500 };

/** A way from one host to another, as `net check` shows it; empty: none. */
export interface Pair {
  readonly from: string;
  readonly to: string;
  readonly mtu: string;
  readonly fault: string;
  readonly remedy: string;
}

/** A cluster of four hosts with a server on each, all of whose pairs are known and well. */
export async function startWellCluster(label: string): Promise<Testbed> {
  const testbed = await startCluster(label, { hostCount: HOSTS });
  try {
    await applyText(testbed, SERVERS);
    await waitReady(testbed, "app=everywhere", HOSTS);
    await allWell(testbed, WITHIN);
    return testbed;
  } catch (error) {
    await testbed.down();
    throw error;
  }
}

/** What `net check` shows, row by row. */
export async function pairs(testbed: Testbed): Promise<readonly Pair[]> {
  const { stdout } = await testbed.tryTsctl(["net", "check"]);
  const rows = stdout.split("\n\n")[0]?.split("\n").slice(1).filter(Boolean) ?? [];
  return rows.map((line) => {
    const [from = "", to = "", , , , mtu = "", fault = "", remedy = ""] = line.split(/ {3,}/);
    return { from, to, mtu, fault: fault === "-" ? "" : fault, remedy: remedy === "-" ? "" : remedy };
  });
}

/** The fault of a way; empty: none, or the way is not known. */
export async function faultOf(testbed: Testbed, from: string, to: string): Promise<string> {
  return (await pairs(testbed)).find((pair) => pair.from === from && pair.to === to)?.fault ?? "";
}

/** Waits until every fault has its name. */
export async function named(
  testbed: Testbed,
  wanted: readonly (readonly [from: string, to: string, fault: string])[],
): Promise<void> {
  const said = async (): Promise<readonly (readonly string[])[]> => {
    const shown = await pairs(testbed);
    return wanted.map(([from, to]) => [
      from,
      to,
      shown.find((pair) => pair.from === from && pair.to === to)?.fault ?? "",
    ]);
  };
  await expect.poll(said, { timeout: WITHIN.deadlineMs, interval: WITHIN.everyMs }).toEqual(wanted);
}

/** Waits until every way is known and none is at fault. */
export async function allWell(testbed: Testbed, patience = UNTIL_WELL): Promise<void> {
  let ill: readonly string[] = [];
  await waitFor(
    () => `${WAYS} ways that are well; not so: ${ill.join(", ")}`,
    async () => {
      const all = await pairs(testbed);
      ill = all.filter(({ fault }) => fault !== "").map(({ from, to, fault }) => `${from} to ${to} ${fault}`);
      return all.length === WAYS && ill.length === 0;
    },
    patience,
  );
}

/** What the links between hosts do to packets, as rules of the fabric's bridge; replaces what was there. */
export async function fabric(testbed: Testbed, ...rules: readonly string[]): Promise<void> {
  const chain = ["chain faults {", "type filter hook forward priority 1; policy accept;", ...rules, "}"].join("\n");
  await run("nsenter", [`--net=/run/netns/${testbed.layout.fabricNetns}`, "nft", "-f", "-"], {
    input: `table bridge faults\ndelete table bridge faults\ntable bridge faults {\n${chain}\n}\n`,
  });
}

/** What a script prints on a host; throws when it fails. */
export async function onHost(testbed: Testbed, name: string, script: string): Promise<string> {
  const { exitCode, stdout, stderr } = await testbed.exec(name, ["sh", "-c", script]);
  if (exitCode !== 0) throw new Error(`${name}: ${script}: ${stderr}`);
  return stdout;
}

/** The range of a host's pods. */
export async function podSubnet(testbed: Testbed, name: string): Promise<string> {
  return JSON.parse(await testbed.tsctl(["get", "node", name, "-o", "json"])).spec.podCIDR;
}

/** The address by which a host speaks to others' pods. */
export async function gateway(testbed: Testbed, name: string): Promise<string> {
  return (await podSubnet(testbed, name)).replace(/0\/\d+$/, "1");
}
