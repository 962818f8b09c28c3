import { type Answer, decode, encode, RECURSION_DESIRED, type Question as WireQuestion } from "dns-packet";
import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { Rng } from "../../lib/rng.js";
import type { Question } from "./answer.js";
import { RCODE, type Reply } from "./message.js";
import type { AskServer } from "./upstream.js";
import type { UpstreamServers } from "./upstream-servers.js";

interface Remembered {
  readonly reply: Reply;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/** What a forwarder needs. */
export interface ForwarderParts {
  readonly ask: AskServer;
  /** Servers to ask; those that lead back here are left out. */
  readonly servers: Pick<UpstreamServers, "list" | "notice">;
  readonly clock: Clock;
  readonly rng: Rng;
}

/**
 * Answers for names of the outside, from what it remembers or from the host's own name servers. Equal questions at the same time are asked once. What is remembered is
 * bounded, by time as the servers say and by number.
 */
export class Forwarder {
  private readonly parts: ForwarderParts;
  private readonly remembered = new Map<string, Remembered>();
  private readonly asking = new Map<string, Promise<Reply>>();
  /** Servers that did not answer lately, until when they are asked after all others: else every question would wait for them first. */
  private readonly silentUntilMs = new Map<string, number>();

  constructor(parts: ForwarderParts) {
    this.parts = parts;
  }

  /** The reply to a question; serverFailure when no server answers, refused when the question comes from this server itself. */
  resolve(question: Question): Promise<Reply> {
    if (this.parts.servers.notice(question.name)) return Promise.resolve(failure(RCODE.refused));
    const key = `${question.type} ${question.name.toLowerCase()}`;
    const nowMs = this.parts.clock.monotonicMs();
    const known = this.remembered.get(key);
    if (known !== undefined && known.untilMs > nowMs) return Promise.resolve(aged(known, nowMs));
    const asking = this.asking.get(key) ?? this.ask(key, question).finally(() => this.asking.delete(key));
    this.asking.set(key, asking);
    return asking;
  }

  private async ask(key: string, question: Question): Promise<Reply> {
    const { ask, servers, rng } = this.parts;
    if (this.asking.size > limit("dnsUpstreamQuestions")) return failure();
    const query = questionBytes(question, rng);
    for (const server of this.inOrder(servers.list())) {
      const reply = await ask(server, query).then(replyOf, () => undefined);
      this.note(server, reply !== undefined);
      if (reply === undefined || PASSED_OVER.has(reply.code)) continue;
      this.remember(key, reply);
      return reply;
    }
    return failure();
  }

  private inOrder(servers: readonly string[]): readonly string[] {
    for (const known of this.silentUntilMs.keys()) if (!servers.includes(known)) this.silentUntilMs.delete(known);
    const nowMs = this.parts.clock.monotonicMs();
    const isSilent = (server: string): boolean => (this.silentUntilMs.get(server) ?? -Infinity) > nowMs;
    return [...servers.filter((server) => !isSilent(server)), ...servers.filter(isSilent)];
  }

  private note(server: string, hasAnswered: boolean): void {
    if (hasAnswered) this.silentUntilMs.delete(server);
    else this.silentUntilMs.set(server, this.parts.clock.monotonicMs() + limit("dnsUpstreamRestMs"));
  }

  private remember(key: string, reply: Reply): void {
    const ttlSeconds = Math.min(ttlOf(reply), limit("dnsCacheTtlSeconds"));
    if (ttlSeconds === 0) return;
    if (this.remembered.size >= limit("dnsCacheEntries")) {
      const [oldest] = this.remembered.keys();
      if (oldest !== undefined) this.remembered.delete(oldest);
    }
    this.remembered.delete(key);
    const sinceMs = this.parts.clock.monotonicMs();
    this.remembered.set(key, { reply, sinceMs, untilMs: sinceMs + ttlSeconds * 1_000 });
  }
}

/** What a server says that cannot or will not answer, as the host's own resolver takes it: the next is asked. */
const PASSED_OVER: ReadonlySet<number> = new Set([RCODE.serverFailure, RCODE.notImplemented, RCODE.refused]);

/** A query as it is sent to another server. */
export function questionBytes(question: Question, rng: Rng): Buffer {
  return encode({
    type: "query",
    id: rng.below(65_536),
    flags: RECURSION_DESIRED,
    // The type came from the same library's decoder.
    questions: [{ ...question, class: "IN" } as WireQuestion],
  });
}

function failure(code: number = RCODE.serverFailure): Reply {
  return { code, answers: [], isAuthoritative: false };
}

/** What is remembered, with the time that has passed taken off: nobody keeps it longer than its server said. */
function aged({ reply, sinceMs }: Remembered, nowMs: number): Reply {
  const passedSeconds = Math.floor((nowMs - sinceMs) / 1_000);
  if (passedSeconds === 0) return reply;
  const older = (record: Answer): Answer =>
    "ttl" in record && record.ttl !== undefined ? { ...record, ttl: Math.max(0, record.ttl - passedSeconds) } : record;
  return { ...reply, answers: reply.answers.map(older), authorities: (reply.authorities ?? []).map(older) };
}

/** Undefined when the bytes are malformed: the next server is asked. */
function replyOf(bytes: Buffer): Reply | undefined {
  try {
    const { flags = 0, answers = [], authorities = [] } = decode(bytes);
    return { code: flags & 0x0f, answers, authorities, isAuthoritative: false };
  } catch {
    return undefined;
  }
}

/** Seconds a reply holds: the least of its records', or for a missing name what its authority says. */
function ttlOf({ code, answers, authorities = [] }: Reply): number {
  if (code === RCODE.ok && answers.length > 0) return Math.min(...answers.map(secondsOf));
  if (code !== RCODE.ok && code !== RCODE.noSuchName) return 0;
  const soa = authorities.find((record) => record.type === "SOA");
  return soa !== undefined && "data" in soa && typeof soa.data === "object" && "minimum" in soa.data
    ? Math.min(secondsOf(soa), soa.data.minimum ?? 0)
    : 0;
}

function secondsOf(record: Answer): number {
  return "ttl" in record ? (record.ttl ?? 0) : 0;
}
