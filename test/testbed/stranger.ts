import { tryRun } from "../kit/shell.js";
import type { Layout } from "./layout.js";
import type { Testbed } from "./testbed.js";

/** A network of IPv6 on the hosts' link, in which the stranger has an address. */
const LINK = { subnet: "2001:db8:77::/64", stranger: "2001:db8:77:0:ffff::2/64" };

/** The words before a command that the stranger runs: somebody on the hosts' link who is no host, which is the registry. */
export function onLink({ registry }: Layout, command: readonly string[]): readonly string[] {
  return ["nsenter", `--net=/run/netns/${registry.netns}`, ...command];
}

/** The stranger looks for these addresses, of IPv4 or of 2001:db8:77::/64, on the link itself, and hosts know the way back. */
export async function meetOnLink(testbed: Testbed, addresses: readonly string[]): Promise<void> {
  const ways = addresses
    .filter((address) => !address.includes(":"))
    .map((address) => `ip route replace ${address}/32 dev eth0`);
  await onLinkRun(testbed, [`ip address replace ${LINK.stranger} dev eth0 nodad`, ...ways].join("; "));
  for (const { name } of testbed.layout.hosts)
    await testbed.exec(name, ["ip", "-6", "route", "replace", LINK.subnet, "dev", "eth0"]);
}

/** Who has an address as far as the stranger knows: a hardware address; empty: it does not know. It asks nobody. */
export async function holderOf(testbed: Testbed, address: string): Promise<string> {
  const text = await onLinkRun(testbed, `ip neighbour show ${address} dev eth0`);
  return /lladdr (\S+)/.exec(text)?.[1] ?? "";
}

/** The hardware address of a host on the link. */
export async function linkAddress(testbed: Testbed, host: string): Promise<string> {
  const { stdout } = await testbed.exec(host, ["ip", "-o", "link", "show", "dev", "eth0"]);
  return /link\/ether (\S+)/.exec(stdout)?.[1] ?? "";
}

async function onLinkRun(testbed: Testbed, script: string): Promise<string> {
  const [command = "", ...words] = onLink(testbed.layout, ["sh", "-ec", script]);
  const { stdout, stderr, exitCode } = await tryRun(command, words);
  if (exitCode !== 0) throw new Error(`the stranger: ${script}: ${stderr}`);
  return stdout;
}
