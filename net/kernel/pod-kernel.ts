// Edge: pods' pinned network namespaces and links.
import { mkdirSync, readdirSync, statfsSync } from "node:fs";
import { TallshipError } from "../../lib/errors.js";
import { FIRST_INTERFACE, POD_DEVICE_GROUP, podDevice } from "../device-names.js";
import type { Family } from "../family.js";
import { netnsPath } from "../node-network.js";
import type { CoProcess } from "./co-process.js";
import { type HostEnd, parseHostEnds, parseNeighbours, parseRoutes } from "./ip-parse.js";
import { complaints, hostEndsOf, insideLines, outsideLines, removalLines, settingPath, showRoutes } from "./ip-text.js";
import type { PodDevice, PodWiring } from "./kernel.js";
import { feed, feedExpanded, quoted, sectionMark, sections } from "./shell-script.js";
import type { TableLooks } from "./table-looks.js";

/** Type of the file system that pinned namespaces are on. */
const NSFS_MAGIC = 0x6e736673;

const SAFE_UID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** What is left when a batch has run through: a failure by uid. */
export type Failures = ReadonlyMap<string, TallshipError>;

/** What a creation found, and what it came to. */
interface Creation {
  readonly pinned: ReadonlySet<string>;
  /** Pods of which links may be left whose namespace is not to be found any more. */
  readonly stale: ReadonlySet<PodWiring>;
  readonly failures: Map<string, TallshipError>;
}

/**
 * A namespace costs a fork of the shell, `unshare` that pins it and `ip -batch` that wires it from inside: 4 ms of CPU. The pin is a
 * file below the run directory that the namespace is mounted on.
 */
export class PodKernel {
  private readonly shells: readonly CoProcess[];
  private readonly looks: TableLooks;
  private readonly runDir: string;
  private readonly families: readonly Family[];
  /** The host's ends of the links that were made or seen, by uid: those of further links cannot be told by the uid. */
  private readonly ends = new Map<string, readonly string[]>();
  /** All that were there at the start are known. */
  private isListed = false;

  /** Pods are made by all shells beside each other; the first does everything else. */
  constructor(
    shells: readonly [CoProcess, ...CoProcess[]],
    looks: TableLooks,
    { runDir, families }: { readonly runDir: string; readonly families: readonly Family[] },
  ) {
    this.shells = shells;
    this.looks = looks;
    this.runDir = runDir;
    this.families = families;
  }

  async create(pods: readonly PodWiring[]): Promise<Failures> {
    const failures = new Map<string, TallshipError>();
    const safe = pods.filter((pod) => this.checkUid(pod.uid, failures));
    if (safe.length === 0) return failures;
    this.looks.changed();
    mkdirSync(netnsPath(this.runDir, ""), { recursive: true });
    const pinned = new Set(this.pinnedUids());
    // Names of devices follow from uids: of a pod that nobody has seen, none can be left.
    const stale = new Set(safe.filter(({ uid }) => !pinned.has(uid) && (this.ends.has(uid) || !this.isListed)));
    for (const pod of safe) this.ends.set(pod.uid, hostEndsOf(pod));
    const shares = this.shells.map((_, share) => safe.filter((__, at) => at % this.shells.length === share));
    await Promise.all(shares.map((share, at) => this.createShare(at, share, { pinned, stale, failures })));
    return failures;
  }

  private async createShare(
    at: number,
    pods: readonly PodWiring[],
    { pinned, stale, failures }: Creation,
  ): Promise<void> {
    if (pods.length === 0) return;
    const left = pods.filter((pod) => stale.has(pod)).flatMap(hostEndsOf);
    const deletions = left.map((device) => `link delete dev ${device}`);
    const script = [
      feed("ip -force -batch - >/dev/null 2>&1", deletions),
      ...pods.map((pod) => this.insideScript(pod, pinned.has(pod.uid))),
      sectionMark("outside"),
      feed("ip -force -batch -", pods.flatMap(outsideLines)),
      ...pods.flatMap(settingsScript),
    ].join("\n");
    const answers = sections(await this.shell(at).request(script));
    for (const pod of pods) {
      const [first] = complaints(answers.get(`pod ${pod.uid}`) ?? "", "add");
      if (first !== undefined) failures.set(pod.uid, podError("create", pod.uid, first));
    }
    const [first] = complaints(answers.get("outside") ?? "", "add");
    // The batch does not say which pod it is about: what is not whole has failed.
    if (first === undefined) return;
    const whole = new Set((await this.list()).filter((pod) => pod.isWhole).map((pod) => pod.uid));
    for (const pod of pods)
      if (!whole.has(pod.uid) && !failures.has(pod.uid)) failures.set(pod.uid, podError("create", pod.uid, first));
  }

  private insideScript(pod: PodWiring, isPinned: boolean): string {
    const path = quoted(netnsPath(this.runDir, pod.uid));
    const enter = isPinned ? `nsenter --net=${path}` : `: > ${path}; unshare --net=${path}`;
    return `${sectionMark(`pod ${pod.uid}`)}\n${feedExpanded(`${enter} ip -force -batch -`, insideLines(pod, "/proc/$$/ns/net"))}`;
  }

  async remove(uids: readonly string[]): Promise<Failures> {
    const failures = new Map<string, TallshipError>();
    const safe = uids.filter((uid) => this.checkUid(uid, failures));
    if (safe.length === 0) return failures;
    this.looks.changed();
    const paths = safe.map((uid) => quoted(netnsPath(this.runDir, uid))).join(" ");
    const script = [
      sectionMark("devices"),
      feed("ip -force -batch -", removalLines(safe.flatMap((uid) => this.ends.get(uid) ?? [podDevice(uid)]))),
      sectionMark("pins"),
      `umount -l ${paths} 2>/dev/null`,
      `rm -f ${paths}`,
    ].join("\n");
    const answers = sections(await this.shell(0).request(script));
    const [device] = complaints(answers.get("devices") ?? "", "delete");
    const [pin] = (answers.get("pins") ?? "").split("\n").filter((line) => line !== "");
    const said = device ?? pin;
    if (said !== undefined) {
      const left = new Set((await this.list()).map((pod) => pod.uid));
      for (const uid of safe) if (left.has(uid)) failures.set(uid, podError("remove", uid, said));
    }
    for (const uid of safe) if (!failures.has(uid)) this.ends.delete(uid);
    return failures;
  }

  async list(): Promise<readonly PodDevice[]> {
    const shows = [`link show group ${POD_DEVICE_GROUP}`, showRoutes(this.families), "neighbour show nud permanent"];
    const [links = "", routes = "", neighbours = ""] = await this.looks.show("pods", shows);
    const pins = this.pins();
    const ends = parseHostEnds(links);
    const names = new Set(ends.map((end) => end.device));
    const isEnd = (device: string): boolean => names.has(device);
    const held = [...parseRoutes(routes, isEnd), ...parseNeighbours(neighbours, isEnd, this.families)];
    const reached = new Set(held.map((entry) => reachKey(entry)));
    const second = new Map(
      held.flatMap((entry) =>
        entry.table === "neigh" && entry.ip.includes(":") && reached.has(`route ${entry.device} ${entry.ip}/128`)
          ? [[entry.device, entry.ip] as const]
          : [],
      ),
    );
    const isWhole = (end: HostEnd): boolean =>
      end.isUp &&
      pins.get(end.uid) === true &&
      end.device === podDevice(end.uid, end.interface) &&
      reached.has(`route ${end.device} ${end.address}/32`) &&
      reached.has(`neigh ${end.device} ${end.address}`);
    this.isListed = true;
    const byUid = new Map<string, readonly HostEnd[]>([...pins.keys()].map((uid) => [uid, []]));
    for (const end of ends) byUid.set(end.uid, [...(byUid.get(end.uid) ?? []), end]);
    for (const [uid, own] of byUid)
      this.ends.set(
        uid,
        own.map(({ device }) => device),
      );
    return [...byUid].map(([uid, own]) => podDeviceOf(uid, own, { isWhole, second }));
  }

  private pinnedUids(): readonly string[] {
    return [...this.pins()].flatMap(([uid, isPinned]) => (isPinned ? [uid] : []));
  }

  /** Every file below the folder of pins; true where a namespace is mounted on it. Each look takes 2 µs: handing it to another thread takes ten times as long. */
  private pins(): ReadonlyMap<string, boolean> {
    const folder = netnsPath(this.runDir, "");
    return new Map(namesIn(folder).map((name) => [name, isNamespace(`${folder}${name}`)]));
  }

  private shell(at: number): CoProcess {
    const shell = this.shells[at] ?? this.shells[0];
    if (shell === undefined) throw new TallshipError("internal", "pod kernel without a shell");
    return shell;
  }

  private checkUid(uid: string, failures: Map<string, TallshipError>): boolean {
    if (SAFE_UID.test(uid)) return true;
    failures.set(uid, new TallshipError("invalid_argument", `link of pod ${JSON.stringify(uid)}: malformed uid`));
    return false;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // No pod was made yet.
  }
}

function isNamespace(path: string): boolean {
  try {
    return statfsSync(path).type === NSFS_MAGIC;
  } catch {
    return false; // It went between the two looks.
  }
}

/** A pod as its links show it; one without any is half made. */
function podDeviceOf(uid: string, ends: readonly HostEnd[], { isWhole, second }: Seen): PodDevice {
  const ipv6Of = (device: string): { readonly ipv6?: string } => {
    const ipv6 = second.get(device);
    return ipv6 === undefined ? {} : { ipv6 };
  };
  const first = ends.find((end) => end.interface === FIRST_INTERFACE);
  const further = ends
    .filter((end) => end !== first)
    .map(({ interface: inside, address, device }) => ({ interface: inside, address, ...ipv6Of(device) }))
    .sort((one, other) => (one.interface < other.interface ? -1 : 1));
  return {
    ...{ uid, address: first?.address ?? "", isWhole: first !== undefined && ends.every(isWhole) },
    ...ipv6Of(first?.device ?? ""),
    further,
  };
}

interface Seen {
  readonly isWhole: (end: HostEnd) => boolean;
  /** By device of the host: the address of IPv6 that it leads to. */
  readonly second: ReadonlyMap<string, string>;
}

function reachKey(entry: { readonly table: string; readonly device?: string; subnet?: string; ip?: string }): string {
  return `${entry.table} ${entry.device ?? ""} ${entry.subnet ?? entry.ip ?? ""}`;
}

/**
 * Clients of the host that ask its 127.0.0.1 for a port that leads here: their packets leave through this device, which the kernel lets happen only
 * where it was told to. That pods' packets for 127.0.0.1 are dropped is the firewall's business. No redirects: a pod that meets itself behind a service must not be told of a shorter way, and a redirect that is due uses up the
 * kernel's allowance for refusals to that pod.
 */
function settingsScript(pod: PodWiring): readonly string[] {
  return hostEndsOf(pod).flatMap((device) => {
    const setting = (name: string): string => settingPath(`net.ipv4.conf.${device}.${name}`);
    return [`echo 0 > ${setting("send_redirects")}`, `echo 1 > ${setting("route_localnet")}`];
  });
}

function podError(act: "create" | "remove", uid: string, said: string): TallshipError {
  return new TallshipError("kernel_failed", `${act} link of pod ${uid}: ${said}`);
}
