import { NETWORK_DEVICE_PREFIX, OVERLAY_DEVICE, POD_DEVICE_PREFIX } from "../device-names.js";
import { type Family, familyOf, WORDS } from "../family.js";
import { hex, RETURN_MARKS } from "../overlay/way-back.js";

/** Mark of packets that pass the link in VXLAN, or come to a pod, and whose like may take the shortcut: MARK in shortcut.bpf.c. Of a class of its own among Tallship's marks. */
export const SHORTCUT_MARK = 0xf6000000;

/** The table that marks. Tallship's alone. */
export const SHORTCUT_TABLE = "inet tallship-shortcut";

/** With it, of those that go to another host as they are, without VXLAN: DIRECT in shortcut.bpf.c. */
export const DIRECT = 1;

/** With it, of packets of TCP that the pod's own host leads from a service to an endpoint elsewhere: TO_TRANSLATED in shortcut.bpf.c. */
export const TO_TRANSLATED = 2;

/** The link, and what decides on what may take the shortcut there. */
export interface ShortcutLink {
  readonly device: string;
  /** Of pods' devices, bytes. */
  readonly podMtu: number;
  /** Ranges of all pods of the cluster, where hosts send each other their packets as they are; else none. */
  readonly directRanges: readonly string[];
}

/** Bytes of a packet of TCP that are no payload, without options: what the kernel takes off a route's MTU to compare it. */
const TCP_HEADER_BYTES: Readonly<Record<Family, number>> = { IPv4: 40, IPv6: 60 };

const OVERLAYS = `{ "${OVERLAY_DEVICE}", "${NETWORK_DEVICE_PREFIX}*" }`;
const PODS = `"${POD_DEVICE_PREFIX}*"`;

/**
 * The table, as nft takes it. After everybody else's chains have let a packet through, it marks those between a pod and other hosts that belong to a connection which both sides
 * have used and which nobody translates here, but for those of TCP from a pod to a service; sent ones where the way passes packets of the overlay's full size. Packets that somebody else has marked are left alone,
 * but for answers that Tallship leads back by the node that was asked.
 */
export function shortcutTable({ device, podMtu, directRanges }: ShortcutLink): string {
  const unmarked = `meta mark { 0, ${RETURN_MARKS} }`;
  const stands = `ct state established ct status & (snat | dnat) == 0 ${unmarked}`;
  const toService = `meta l4proto tcp ct state established ct status & (snat | dnat) == dnat ${unmarked}`;
  const passes = (family: Family): string =>
    `meta nfproto ${family.toLowerCase()} rt mtu >= ${podMtu - TCP_HEADER_BYTES[family]}`;
  const mark = (more = 0): string => `meta mark set ${hex(SHORTCUT_MARK + more)}`;
  const between = (link: string, family: Family, more: number, far = ""): readonly string[] => {
    const { ip } = WORDS[family];
    const [out, back] = ["daddr", "saddr"].map((end) => (far === "" ? "" : `${ip} ${end} ${far} `));
    const isFamily = `meta nfproto ${family.toLowerCase()}`;
    return [
      `iifname ${PODS} oifname ${link} ${out}${stands} ${passes(family)} ${mark(more)}`,
      `iifname ${link} oifname ${PODS} ${back}${stands} ${isFamily} ${mark()}`,
      `iifname ${PODS} oifname ${link} ${out}ct direction original ${toService} ${passes(family)} ${mark(more + TO_TRANSLATED)}`,
      `iifname ${link} oifname ${PODS} ${back}ct direction reply ${toService} ${isFamily} ${mark()}`,
    ];
  };
  const tunnelled = (["IPv4", "IPv6"] as const).flatMap((family) => between(OVERLAYS, family, 0));
  const direct = directRanges.flatMap((range) => between(`"${device}"`, familyOf(range), DIRECT, range));
  return `table ${SHORTCUT_TABLE}
delete table ${SHORTCUT_TABLE}
table ${SHORTCUT_TABLE} {
  chain stands {
    type filter hook forward priority 10; policy accept;
${[...tunnelled, ...direct].map((rule) => `    ${rule}\n`).join("")}  }
}
`;
}

/** Where among a device's filters: behind those that somebody gives no number. */
const PREFERENCE = 49_152;

type Programs = Readonly<Record<"ingress" | "egress", string>>;

/** Functions of shortcut.bpf.c by the device's side: what a host's end takes in is what its pod sends. */
const ON_POD: Programs = { ingress: "from_pod", egress: "to_pod" };
const ON_LINK: Programs = { ingress: "from_link", egress: "to_link" };
const ON_DIRECT_LINK: Programs = { ...ON_LINK, ingress: "from_direct_link" };

/** Lines for `tc -batch` that put the programs pinned below a folder on a host's ends of pods' links. Twice is once. */
export function endLines(ends: readonly string[], pins: string): readonly string[] {
  return ends.flatMap((end) => filterLines(end, ON_POD, pins));
}

/** The same for the link. */
export function linkLines({ device, directRanges }: ShortcutLink, pins: string): readonly string[] {
  return filterLines(device, directRanges.length > 0 ? ON_DIRECT_LINK : ON_LINK, pins);
}

/** A shell script that takes the programs off a link, by its name or a variable with it; what others have there stays. */
export function bareLinkScript(link: string): string {
  const filters = (side: string): string => `tc filter show dev ${link} ${side}`;
  return [
    ...Object.keys(ON_LINK).map((side) => `tc filter delete dev ${link} ${side} pref ${PREFERENCE}`),
    `[ -n "$(${filters("ingress")}; ${filters("egress")})" ] || tc qdisc delete dev ${link} clsact`,
  ].join("; ");
}

/** A shell script that takes everything of the shortcut away, from whatever device has it as the link. Devices of pods take theirs along. */
export const REMOVAL_SCRIPT = `nft delete table ${SHORTCUT_TABLE}
ip -o link show | cut -d: -f2 | cut -d@ -f1 | while read -r link; do
  if tc filter show dev "$link" ingress pref ${PREFERENCE} | grep -qE ' (${ON_LINK.ingress}|${ON_DIRECT_LINK.ingress})'; then ${bareLinkScript('"$link"')}; fi
done`;

function filterLines(device: string, programs: Programs, pins: string): readonly string[] {
  return [
    `qdisc add dev ${device} clsact`,
    ...Object.entries(programs).map(
      ([side, program]) =>
        `filter replace dev ${device} ${side} pref ${PREFERENCE} handle 1 bpf da object-pinned ${pins}/${program}`,
    ),
  ];
}

/** The devices of `ip -json link show`, and their indexes. */
export function parseIndexes(json: string): ReadonlyMap<string, number> {
  // A parser: ip's own format; what has no name or index is no device.
  const links = JSON.parse(json.trim() === "" ? "[]" : json) as readonly { ifname?: string; ifindex?: number }[];
  return new Map(
    links.flatMap(({ ifname, ifindex }) =>
      ifname === undefined || ifindex === undefined ? [] : [[ifname, ifindex] as const],
    ),
  );
}
