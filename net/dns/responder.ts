import type { Rng } from "../../lib/rng.js";
import { rangeTest } from "../family.js";
import { answerFrom, type DnsRecord, type Question, type ZoneAnswer } from "./answer.js";
import type { Forwarder } from "./forwarder.js";
import { authorityOf, RCODE, type Reply, wireRecords } from "./message.js";
import type { Zone } from "./zone.js";

/** What a responder needs. */
export interface ResponderParts {
  readonly forwarder: Pick<Forwarder, "resolve">;
  /** The cluster's ranges of pods and services: their reverse names are nobody else's. */
  readonly ranges: readonly string[];
  readonly rng: Rng;
}

/** Says what to reply to a question. The cluster's names come from the zone in force and never leave the node. */
export class Responder {
  private readonly parts: ResponderParts;
  private readonly ranges: readonly ((address: string) => boolean)[];
  private readonly zone: Zone;

  constructor(zone: Zone, parts: ResponderParts) {
    this.zone = zone;
    this.parts = parts;
    this.ranges = parts.ranges.map(rangeTest);
  }

  /** The reply; a promise only when others must be asked. */
  reply(question: Question): Reply | Promise<Reply> {
    const answer = answerFrom(this.zone, question, (address) => this.isOwn(address));
    switch (answer.is) {
      case "elsewhere":
        return this.parts.forwarder.resolve(question);
      case "alias":
        return this.follow(question, answer);
      case "no_such_name":
        return {
          code: RCODE.noSuchName,
          answers: [],
          authorities: [authorityOf(this.zone.domain)],
          isAuthoritative: true,
        };
      case "records":
        return this.own(answer);
    }
  }

  private isOwn(address: string): boolean {
    return this.ranges.some((holds) => holds(address));
  }

  private own({ records, additional }: Extract<ZoneAnswer, { is: "records" }>): Reply {
    const authorities = records.length === 0 ? [authorityOf(this.zone.domain)] : [];
    return {
      code: RCODE.ok,
      answers: wireRecords(this.turned(records)),
      additionals: wireRecords(additional),
      authorities,
      isAuthoritative: true,
    };
  }

  private async follow({ type }: Question, { records, target }: Extract<ZoneAnswer, { is: "alias" }>): Promise<Reply> {
    const far = await this.parts.forwarder.resolve({ name: target, type });
    return { ...far, answers: [...wireRecords(records), ...far.answers] };
  }

  /**
   * Starts at another record each time, so that clients that take the first spread. Aliases stay before what they lead to: clients that read an answer once, as glibc does, look for
   * an address under the last name that they were led to, and pass over one that comes before its alias.
   */
  private turned(records: readonly DnsRecord[]): readonly DnsRecord[] {
    const aliases = records.filter(({ type }) => type === "CNAME");
    const others = records.filter(({ type }) => type !== "CNAME");
    if (others.length < 2) return [...aliases, ...others];
    const from = this.parts.rng.below(others.length);
    return [...aliases, ...others.slice(from), ...others.slice(0, from)];
  }
}
