// Edge: devices, addresses, neighbours and routes, by ip and bridge in a shell that stays alive.
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { isOfNetworks, NETWORK_DEVICE_PREFIX, ROUTE_PROTOCOL } from "../device-names.js";
import { type Family, familyOf } from "../family.js";
import { announcement } from "./announcement.js";
import type { CoProcess } from "./co-process.js";
import type { Entry, EntryChange } from "./entries.js";
import {
  parseAddresses,
  parseDevices,
  parseForwarding,
  parseHolder,
  parseMac,
  parseNeighbours,
  parseRoutes,
  parseRules,
  parseStandIns,
  parseUnderlay,
} from "./ip-parse.js";
import { type Command, commandsFor, complaints, settingPath } from "./ip-text.js";
import type { UnderlayDevice } from "./kernel.js";
import { feed, sectionMark, sections, shown } from "./shell-script.js";
import type { TableLooks } from "./table-looks.js";

/** By the names of the kernel's settings of connection tracking. Without any, it is not known to be missing. */
export function tracksSctp(settings: readonly string[]): boolean {
  const has = (protocol: string): boolean =>
    settings.some((name) => name.startsWith(`nf_conntrack_${protocol}_timeout`));
  return has("sctp") || !has("tcp");
}

/**
 * Why a shell and not a long-lived `ip -batch -`: that one remembers the index of each device by name, and after somebody has deleted
 * and made a device of the same name it goes on speaking of the old one. A shell that forks `ip -batch` costs 1 ms per batch.
 */
export class LinkKernel {
  private readonly shell: CoProcess;
  private readonly looks: TableLooks;
  private readonly families: readonly Family[];

  private readonly routingByMark = new Map<Family, boolean>();
  /** The host's own device, of which nobody wants forwarding entries: it is no tunnel. */
  private underlayDevice = "";

  constructor(shell: CoProcess, looks: TableLooks, families: readonly Family[]) {
    this.shell = shell;
    this.looks = looks;
    this.families = families;
  }

  async underlay(address: string): Promise<UnderlayDevice | undefined> {
    const known = this.underlayDevice === "" ? undefined : await this.lookAt(this.underlayDevice, address);
    if (known !== undefined) return known;
    const holder = parseHolder(await this.shellAnswer(`ip -json address show to ${address}/32 2>/dev/null; true`));
    this.underlayDevice = holder ?? "";
    return holder === undefined ? undefined : this.lookAt(holder, address);
  }

  private async lookAt(device: string, address: string): Promise<UnderlayDevice | undefined> {
    // A device that has gone is no failure of the check: whoever has its address now is looked for.
    const [own] = await this.looks.begin([`address show dev ${device}`]).catch(() => []);
    if (own === undefined) this.looks.changed();
    return parseUnderlay(address, own ?? "", this.families.includes("IPv6") ? own : "");
  }

  async readEntries(devices: readonly string[], settings: readonly string[]): Promise<readonly Entry[]> {
    const hasRules = await this.routesByMark("IPv4");
    const hasIpv6Rules = this.families.includes("IPv6") && (await this.routesByMark("IPv6"));
    const hasStandIns = this.families.includes("IPv6");
    const shows = [...SHOWS, ...(hasStandIns ? [SHOW_STAND_INS] : []), ...(hasRules ? [SHOW_RULES] : [])];
    const tunnels = devices.filter((device) => device !== this.underlayDevice);
    const tables = await this.looks.show("entries", shows);
    const script = `${hasIpv6Rules ? SHOW_IPV6_RULES : ""}${readScript(tunnels, settings)}`;
    const answers = sections(await this.shellAnswer(script));
    const part = (name: string): string => answers.get(name) ?? "";
    const [links = "", addresses = "", neighbours = "", routes = "", ...more] = tables;
    const standIns = hasStandIns ? more[0] : undefined;
    const rules = hasRules ? more.at(-1) : undefined;
    const [ipv6Rules = ""] = hasIpv6Rules ? shown(part(IPV6_RULES), 1) : [];
    const asked = (device: string): boolean => devices.includes(device) || isOfNetworks(device);
    const forwarding = [...answers].filter(([name]) => name.startsWith(FDB_OF));
    return [
      ...settings.map((name): Entry => ({ table: "setting", name, value: part(`setting ${name}`).trim() })),
      ...parseDevices(links, asked),
      ...parseAddresses(addresses, asked, this.families),
      ...parseNeighbours(neighbours, asked, this.families),
      ...parseStandIns(standIns ?? "", asked),
      ...forwarding.flatMap(([name, text]) => parseForwarding(text, name.slice(FDB_OF.length))),
      ...parseRoutes(routes, asked),
      ...parseRules(rules ?? "", "IPv4"),
      ...parseRules(ipv6Rules, "IPv6"),
    ];
  }

  async changeEntries(changes: readonly EntryChange[]): Promise<void> {
    if (changes.length === 0) return;
    this.looks.changed();
    const runs = runsOf(changes);
    const script = runs.map((run, at) => `${sectionMark(`${at}`)}\n${runScript(run.commands)}`).join("\n");
    const answers = sections(await this.shellAnswer(script));
    for (const [at, run] of runs.entries()) {
      const [first] = complaints(answers.get(`${at}`) ?? "", run.act);
      if (first !== undefined) throw new TallshipError("kernel_failed", `${run.act} network entries: ${first}`);
    }
  }

  /** Asked once: a kernel does not come to have rules while it runs. */
  async routesByMark(family: Family): Promise<boolean> {
    const known = this.routingByMark.get(family);
    if (known !== undefined) return known;
    const answer = await this.shellAnswer(`ip ${family === "IPv6" ? "-6 " : ""}rule show 2>/dev/null; true`);
    const canRoute = answer.includes("lookup main");
    this.routingByMark.set(family, canRoute);
    return canRoute;
  }

  /** A kernel that tracks connections has settings for each protocol whose connections it knows. */
  async tracksSctp(): Promise<boolean> {
    const answer = await this.shellAnswer("ls /proc/sys/net/netfilter 2>/dev/null; true");
    return tracksSctp(answer.split(/\s+/));
  }

  async leavesChecksums(device: string): Promise<boolean | undefined> {
    const answer = await this.shellAnswer(`ethtool -k ${device} 2>/dev/null; true`);
    const found = /^tx-checksumming: (on|off)/m.exec(answer)?.[1];
    return found === undefined ? undefined : found === "on";
  }

  async leaveChecksums(device: string, isLeft: boolean): Promise<void> {
    const answer = await this.shellAnswer(`ethtool -K ${device} tx ${isLeft ? "on" : "off"} 2>&1 || echo failed`);
    if (/failed$|not found/.test(answer.trim()))
      throw new TallshipError("kernel_failed", `set checksums of ${device}: ${answer.trim().slice(0, 200)}`);
  }

  /** Gratuitous ARP, or unsolicited advertisements, in the background, a second apart, since any packet may be lost: a link that does not hear of it asks again within a minute. */
  async announce(device: string, addresses: readonly string[]): Promise<void> {
    if (addresses.length === 0) return;
    const isIpv6 = addresses.some((ip) => familyOf(ip) === "IPv6");
    const mac = isIpv6 ? parseMac(await this.shellAnswer(`ip -json link show dev ${device} 2>/dev/null; true`)) : "";
    const count = limit("announceTimes");
    const lines = addresses.map((ip) => announcement({ ip, mac, device, count }));
    await this.shellAnswer(lines.map((line) => `${line} </dev/null >/dev/null 2>&1 &`).join("\n"));
  }

  private shellAnswer(script: string): Promise<string> {
    return this.shell.request(script);
  }
}

const SHOWS = [
  "link show type vxlan",
  "address show type vxlan",
  "neighbour show nud permanent",
  `route show table all proto ${ROUTE_PROTOCOL}`,
];

/** Not asked where nobody speaks IPv6. */
const SHOW_STAND_INS = "neighbour show proxy";

/** Not asked of kernels that have none. */
const SHOW_RULES = "rule show";

/** By an `ip` of their own: what one prints for all its questions is of one family. */
const IPV6_RULES = "rules of IPv6";
const SHOW_IPV6_RULES = `${sectionMark(IPV6_RULES)}\nip -6 -json rule show 2>/dev/null\n`;

function readScript(tunnels: readonly string[], settings: readonly string[]): string {
  return [
    ...settings.flatMap((name) => [sectionMark(`setting ${name}`), readSetting(name)]),
    ...tunnels.flatMap((device) => [sectionMark(`${FDB_OF}${device}`), forwardingOf(device)]),
    // Files of the shell's own network namespace, whatever is mounted on /sys.
    `for path in ${settingPath(`net.ipv4.conf.${NETWORK_DEVICE_PREFIX}`)}*; do [ -e "$path" ] || continue`,
    `device=\${path##*/}; echo "::${FDB_OF}$device"; ${forwardingOf("$device")}; done`,
    "true",
  ].join("\n");
}

const FDB_OF = "fdb ";

function forwardingOf(device: string): string {
  return `bridge -json fdb show dev ${device} 2>/dev/null`;
}

/** By the shell itself: a process for each setting was most of what a check cost. */
function readSetting(name: string): string {
  return `value=; read -r value 2>/dev/null < ${settingPath(name)}; echo "$value"`;
}

interface Run {
  readonly act: EntryChange["do"];
  readonly commands: readonly Command[];
}

/** Neighbouring commands of one tool and one act: each run is one program. */
function runsOf(changes: readonly EntryChange[]): readonly Run[] {
  const runs: { act: EntryChange["do"]; commands: Command[] }[] = [];
  for (const change of changes) {
    for (const command of commandsFor(change)) {
      const last = runs.at(-1);
      if (last !== undefined && last.act === change.do && last.commands[0]?.tool === command.tool)
        last.commands.push(command);
      else runs.push({ act: change.do, commands: [command] });
    }
  }
  return runs;
}

function runScript(commands: readonly Command[]): string {
  const lines = commands.map((command) => command.line);
  const tool = commands[0]?.tool ?? "shell";
  return tool === "shell" ? lines.join("\n") : feed(`${tool} -force -batch -`, lines);
}
