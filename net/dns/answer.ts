import { isIpv4 } from "../../kinds/ip.js";
import { formatIpv6, parseIpv6 } from "../ipv6.js";
import type { NameEntry, SrvRecord } from "./service-names.js";
import type { Asker, Zone } from "./zone.js";

/** A question, as it came. */
export interface Question {
  readonly name: string;
  /** A, AAAA, SRV, PTR, … */
  readonly type: string;
  /** Who asks: a name may mean another address to pods of other networks. */
  readonly asker?: Asker;
}

/** One record of an answer; the name as it shall be written. */
export type DnsRecord =
  | { readonly type: "A" | "AAAA"; readonly name: string; readonly data: string }
  | { readonly type: "CNAME"; readonly name: string; readonly data: string }
  | { readonly type: "PTR"; readonly name: string; readonly data: string }
  | { readonly type: "SRV"; readonly name: string; readonly data: SrvRecord };

/**
 * What the cluster knows of a question. `elsewhere`: the name is not the cluster's. `alias`: the records end in a name of the outside, which has to be
 * asked for. An answer without records says that the name exists and has none of the type.
 */
export type ZoneAnswer =
  | { readonly is: "records"; readonly records: readonly DnsRecord[]; readonly additional: readonly DnsRecord[] }
  | { readonly is: "alias"; readonly records: readonly DnsRecord[]; readonly target: string }
  | { readonly is: "no_such_name" }
  | { readonly is: "elsewhere" };

const NOTHING: ZoneAnswer = { is: "records", records: [], additional: [] };

/** Answers from the zone alone. `isOwn` says whether an address is one of the cluster's ranges: its reverse name is not asked for elsewhere. */
export function answerFrom(zone: Zone, question: Question, isOwn: (address: string) => boolean): ZoneAnswer {
  const name = question.name.toLowerCase().replace(/\.$/, "");
  const address = reversed(name);
  if (address !== undefined) return reverse(zone, question, address, isOwn);
  if (name === zone.domain) return NOTHING;
  if (!name.endsWith(`.${zone.domain}`)) return { is: "elsewhere" };
  const entry = zone.entry(name, question.asker) ?? podEntry(zone, name, isOwn);
  if (entry === undefined) return isAbove(zone, name) ? NOTHING : { is: "no_such_name" };
  if (entry.cname !== undefined) return alias(zone, question, entry.cname, isOwn);
  if (question.type === "A" || question.type === "AAAA")
    return { is: "records", records: addressRecords(entry, question.name, [question.type]), additional: [] };
  if (question.type === "SRV") return service(zone, question, entry.srv ?? []);
  return NOTHING;
}

function addressRecords(entry: NameEntry, name: string, types: readonly ("A" | "AAAA")[]): readonly DnsRecord[] {
  return types.flatMap((type) =>
    ((type === "A" ? entry.a : entry.aaaa) ?? []).map((data): DnsRecord => ({ type, name, data })),
  );
}

/** The names that stand above services and pods exist, even when there are none. */
function isAbove(zone: Zone, name: string): boolean {
  return name === `svc.${zone.domain}` || name === `pod.${zone.domain}`;
}

/** 10-128-0-5.NAMESPACE.pod.DOMAIN stands for the address in it, and so does fd00--5 for that of IPv6. */
function podEntry(zone: Zone, name: string, isOwn: (address: string) => boolean): NameEntry | undefined {
  const [host = "", , kind, ...rest] = name.split(".");
  if (kind !== "pod" || rest.join(".") !== zone.domain) return undefined;
  const address = host.replaceAll("-", ".");
  if (isIpv4(address)) return isOwn(address) ? { a: [address] } : undefined;
  const value = parseIpv6(host.replaceAll("-", ":"));
  const ipv6 = value === undefined ? "" : formatIpv6(value);
  return value !== undefined && isOwn(ipv6) ? { aaaa: [ipv6] } : undefined;
}

/** Aliases that are followed one after another, as many as CoreDNS follows. */
const ALIASES_MOST = 10;

/** An alias, and what it ends in: clients look for no alias of an alias themselves. Those that come back to one another end where they would begin again. */
function alias(zone: Zone, question: Question, first: string, isOwn: (address: string) => boolean): ZoneAnswer {
  const records: DnsRecord[] = [{ type: "CNAME", name: question.name, data: first }];
  if (question.type === "CNAME") return { is: "records", records, additional: [] };
  const seen = new Set([question.name.toLowerCase().replace(/\.$/, ""), first]);
  let target = first;
  for (let next = aliasOf(zone, target); next !== undefined; next = aliasOf(zone, target)) {
    if (seen.has(next) || seen.size > ALIASES_MOST) return { is: "records", records, additional: [] };
    records.push({ type: "CNAME", name: target, data: next });
    seen.add(next);
    target = next;
  }
  if (!target.endsWith(`.${zone.domain}`)) return { is: "alias", records, target };
  const inner = answerFrom(zone, { ...question, name: target }, isOwn);
  return { is: "records", records: [...records, ...(inner.is === "records" ? inner.records : [])], additional: [] };
}

function aliasOf(zone: Zone, name: string): string | undefined {
  return name.endsWith(`.${zone.domain}`) ? zone.entry(name)?.cname : undefined;
}

function service(zone: Zone, question: Question, found: readonly SrvRecord[]): ZoneAnswer {
  const records = found.map((data): DnsRecord => ({ type: "SRV", name: question.name, data }));
  const additional = found.flatMap(({ target }) =>
    addressRecords(zone.entry(target, question.asker) ?? {}, target, ["A", "AAAA"]),
  );
  return { is: "records", records, additional };
}

/** The address that a reverse name stands for, as it may be malformed; undefined for other names. */
function reversed(name: string): string | undefined {
  const [, parts = "", kind] = /^(.*)\.(in-addr|ip6)\.arpa$/.exec(name) ?? [];
  if (kind === undefined) return undefined;
  const digits = parts.split(".").reverse();
  if (kind === "in-addr") return digits.join(".");
  const isWhole = digits.length === 32 && digits.every((digit) => /^[0-9a-f]$/.test(digit));
  return isWhole ? formatIpv6(BigInt(`0x${digits.join("")}`)) : "";
}

function reverse(zone: Zone, question: Question, address: string, isOwn: (address: string) => boolean): ZoneAnswer {
  const data = zone.nameOf(address);
  if (data === undefined) return { is: isOwn(address) ? "no_such_name" : "elsewhere" };
  if (question.type !== "PTR") return NOTHING;
  return { is: "records", records: [{ type: "PTR", name: question.name, data }], additional: [] };
}
