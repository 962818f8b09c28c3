import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type Packet,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  type Question as WireQuestion,
} from "dns-packet";
import { limit } from "../../lib/limits.js";
import type { DnsRecord } from "./answer.js";

/** Response codes of RFC 1035 that are sent. */
export const RCODE = { ok: 0, formatError: 1, serverFailure: 2, noSuchName: 3, notImplemented: 4, refused: 5 } as const;

/** A query that can be answered. */
export interface Query {
  readonly id: number;
  readonly question: { readonly name: string; readonly type: string };
  readonly isRecursionDesired: boolean;
  /** Largest answer the asker takes over UDP, bytes. */
  readonly maxBytes: number;
  readonly hasEdns: boolean;
}

/** What came: a query, something to refuse with a code, or nothing worth an answer. */
export type Incoming =
  | { readonly is: "query"; readonly query: Query }
  | { readonly is: "refused"; readonly reply: Buffer }
  | { readonly is: "noise" };

const RESPONSE_BIT = 0x8000;
const OPCODE_MASK = 0x7800;

/** Reads a message. Never throws. */
export function readMessage(bytes: Buffer): Incoming {
  if (bytes.length < 12 || (bytes.readUInt16BE(2) & RESPONSE_BIT) !== 0) return { is: "noise" };
  if ((bytes.readUInt16BE(2) & OPCODE_MASK) !== 0)
    return { is: "refused", reply: bareReply(bytes, RCODE.notImplemented) };
  const packet = tryDecode(bytes);
  const question = packet?.questions?.[0];
  if (packet === undefined || question === undefined || packet.questions?.length !== 1)
    return { is: "refused", reply: bareReply(bytes, RCODE.formatError) };
  if (question.class !== undefined && question.class !== "IN")
    return { is: "refused", reply: bareReply(bytes, RCODE.refused) };
  const edns = packet.additionals?.find((record) => record.type === "OPT");
  const asked = edns !== undefined && "udpPayloadSize" in edns ? edns.udpPayloadSize : 512;
  const query: Query = {
    id: packet.id ?? 0,
    question: { name: question.name, type: question.type },
    isRecursionDesired: ((packet.flags ?? 0) & RECURSION_DESIRED) !== 0,
    maxBytes: Math.min(Math.max(512, asked), limit("dnsUdpBytes")),
    hasEdns: edns !== undefined,
  };
  return { is: "query", query };
}

function tryDecode(bytes: Buffer): Packet | undefined {
  try {
    return decode(bytes);
  } catch {
    return undefined;
  }
}

/** The query's header with a code and nothing else. */
function bareReply(bytes: Buffer, code: number): Buffer {
  const reply = Buffer.alloc(12);
  bytes.copy(reply, 0, 0, 2);
  reply.writeUInt16BE(RESPONSE_BIT | (bytes.readUInt16BE(2) & (OPCODE_MASK | RECURSION_DESIRED)) | code, 2);
  return reply;
}

/** What is answered. */
export interface Reply {
  readonly code: number;
  readonly answers: readonly Answer[];
  readonly additionals?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  /** The cluster's own word, not another server's. */
  readonly isAuthoritative: boolean;
}

/** The records as they are sent. */
export function wireRecords(records: readonly DnsRecord[]): readonly Answer[] {
  const ttl = limit("dnsTtlSeconds");
  return records.map((record): Answer => {
    if (record.type === "SRV")
      return { type: "SRV", name: record.name, ttl, data: { ...record.data, priority: 0, weight: 100 } };
    return { type: record.type, name: record.name, ttl, data: record.data };
  });
}

/** Says how long a missing name may be remembered. */
export function authorityOf(domain: string): Answer {
  const data = {
    mname: `ns.dns.${domain}`,
    rname: `hostmaster.${domain}`,
    serial: 1,
    refresh: 7_200,
    retry: 1_800,
    expire: 86_400,
    minimum: limit("dnsTtlSeconds"),
  };
  return { type: "SOA", name: domain, ttl: limit("dnsTtlSeconds"), data };
}

/** No record is smaller. */
const LEAST_RECORD_BYTES = 12;

/**
 * The bytes of a reply. What does not fit the asker's bound is left out: additional records first, which nobody misses (RFC 2181, 9); then the last answers, and it is
 * marked as cut, so that it asks again over TCP. Who does not, as musl's resolver did for long, has the answers that fit.
 */
export function writeReply(query: Query, reply: Reply, maxBytes: number): Buffer {
  const whole = encode(packetOf(query, reply, 0));
  if (whole.length <= maxBytes) return whole;
  const bare = { ...reply, additionals: [] };
  const plain = encode(packetOf(query, bare, 0));
  if (plain.length <= maxBytes) return plain;
  const cut = (count: number): Buffer =>
    encode(packetOf(query, { ...bare, answers: reply.answers.slice(0, count), authorities: [] }, TRUNCATED_RESPONSE));
  let most = Math.min(reply.answers.length, Math.floor(maxBytes / LEAST_RECORD_BYTES));
  for (let least = 0; least < most; ) {
    const count = Math.ceil((least + most) / 2);
    if (cut(count).length <= maxBytes) least = count;
    else most = count - 1;
  }
  return cut(most);
}

function packetOf(query: Query, reply: Reply, extraFlags: number): Packet {
  const recursion = RECURSION_AVAILABLE | (query.isRecursionDesired ? RECURSION_DESIRED : 0);
  const authoritative = reply.isAuthoritative ? AUTHORITATIVE_ANSWER : 0;
  const edns: Answer[] = query.hasEdns
    ? [
        {
          type: "OPT",
          name: ".",
          udpPayloadSize: limit("dnsUdpBytes"),
          extendedRcode: 0,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ]
    : [];
  // The type came from the same library's decoder.
  const question = { ...query.question, class: "IN" } as WireQuestion;
  return {
    type: "response",
    id: query.id,
    flags: recursion | authoritative | extraFlags | reply.code,
    questions: [question],
    answers: [...reply.answers],
    authorities: [...(reply.authorities ?? [])],
    additionals: [...(reply.additionals ?? []), ...edns],
  };
}
