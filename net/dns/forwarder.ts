import { type Answer, decode, encode, RECURSION_DESIRED, type Question as WireQuestion } from "dns-packet";
import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { Rng } from "../../lib/rng.js";
import type { Question } from "./answer.js";
import { RCODE, type Reply } from "./message.js";
import type { AskServer } from "./upstream.js";

interface Remembered {
  readonly reply: Reply;
  readonly untilMs: number;
}

/** What a forwarder needs. */
export interface ForwarderParts {
  readonly ask: AskServer;
  /** Servers to ask, in order; read anew for each question, since hosts move. Never this server itself. */
  readonly servers: () => readonly string[];
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

  constructor(parts: ForwarderParts) {
    this.parts = parts;
  }

  /** The reply to a question; serverFailure when no server answers. */
  resolve(question: Question): Promise<Reply> {
    const key = `${question.type} ${question.name.toLowerCase()}`;
    const known = this.remembered.get(key);
    if (known !== undefined && known.untilMs > this.parts.clock.monotonicMs()) return Promise.resolve(known.reply);
    const asking = this.asking.get(key) ?? this.ask(key, question).finally(() => this.asking.delete(key));
    this.asking.set(key, asking);
    return asking;
  }

  private async ask(key: string, question: Question): Promise<Reply> {
    const { ask, servers, rng } = this.parts;
    if (this.asking.size > limit("dnsUpstreamQuestions")) return failure();
    const id = rng.below(65_536);
    const query = encode({
      type: "query",
      id,
      flags: RECURSION_DESIRED,
      // The type came from the same library's decoder.
      questions: [{ ...question, class: "IN" } as WireQuestion],
    });
    for (const server of servers()) {
      const reply = await ask(server, query).then(replyOf, () => undefined);
      if (reply === undefined || reply.code === RCODE.serverFailure) continue;
      this.remember(key, reply);
      return reply;
    }
    return failure();
  }

  private remember(key: string, reply: Reply): void {
    const ttlSeconds = Math.min(ttlOf(reply), limit("dnsCacheTtlSeconds"));
    if (ttlSeconds === 0) return;
    if (this.remembered.size >= limit("dnsCacheEntries")) {
      const [oldest] = this.remembered.keys();
      if (oldest !== undefined) this.remembered.delete(oldest);
    }
    this.remembered.delete(key);
    this.remembered.set(key, { reply, untilMs: this.parts.clock.monotonicMs() + ttlSeconds * 1_000 });
  }
}

function failure(): Reply {
  return { code: RCODE.serverFailure, answers: [], isAuthoritative: false };
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
