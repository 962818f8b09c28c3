import { TallshipError } from "../../lib/errors.js";
import type { CallOptions, Channel, Client, Dialer, ServiceDefinition } from "../../lib/transport/service.js";

type Leave = () => void;

/**
 * Lets so many agents of one process connect at a time. Agents have hosts of their own, and what the attempt of one costs is not another's time: a hundred in one process that all begin
 * at once would all be late.
 */
export class ConnectLanes {
  private readonly waiting: (() => void)[] = [];
  private free: number;

  constructor(count: number) {
    this.free = count;
  }

  /** Waits for its turn; returns how to leave, twice is once. */
  async enter(): Promise<Leave> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    };
  }
}

/** Dials as the other does, with streams that wait for a lane while their channel has not been answered. */
export function lanedDialer(dialer: Dialer, lanes: ConnectLanes): Dialer {
  return { dial: (address) => lanedChannel(dialer.dial(address), lanes) };
}

type Stream = (request: unknown, call?: CallOptions) => AsyncIterable<unknown>;

function lanedChannel(channel: Channel, lanes: ConnectLanes): Channel {
  let isUp = false;
  // One for all calls of the channel: they share its connection.
  let lane: Promise<Leave> | undefined;
  const leave = async (): Promise<void> => {
    const left = lane;
    lane = undefined;
    (await left)?.();
  };
  const through = async function* (open: Stream, request: unknown, call: CallOptions = {}): AsyncIterable<unknown> {
    if (!isUp) lane ??= lanes.enter();
    await lane;
    try {
      if (call.signal?.aborted === true) throw new TallshipError("cancelled", "cancelled before its turn");
      for await (const message of open(request, call)) {
        isUp = true;
        if (lane !== undefined) await leave();
        yield message;
      }
    } catch (error) {
      isUp = false;
      throw error;
    } finally {
      await leave();
    }
  };
  const client = <S extends ServiceDefinition>(definition: S): Client<S> => {
    const plain = channel.client(definition);
    const methods = Object.entries(definition.methods).map(([key, { responseStream }]) => {
      // Keys and shapes follow the definition, entry by entry.
      const method = plain[key as keyof Client<S>] as Stream;
      return [key, responseStream ? (request: unknown, call?: CallOptions) => through(method, request, call) : method];
    });
    return Object.fromEntries(methods) as Client<S>;
  };
  return { address: channel.address, client, close: () => channel.close() };
}
