import { afterEach, beforeEach } from "vitest";
import { TallshipError } from "../../lib/errors.js";
import type { Binding, Channel, Client, Dialer, Handlers, Identity } from "../../lib/transport/service.js";
import { bind } from "../../lib/transport/service.js";
import { ClusterDefinition } from "../../proto/gen/tallship/v1/api.js";
import { ExecInput, ExecOutput, LogsChunk, StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";
import { NO_STREAMS } from "../kit/no-streams.js";

/** One transport under test. */
export interface TransportHarness {
  serve(bindings: readonly Binding[]): Promise<{ readonly address: string; close(): Promise<void> }>;
  dialer(identity: Identity): Dialer;
  /** Lets time pass. */
  elapse(ms: number): Promise<void>;
  /** An address nobody listens on. */
  readonly deadAddress: string;
  dispose(): Promise<void>;
}

type StreamHandlers = Handlers<typeof StreamsDefinition>;
type ClusterHandlers = Handlers<typeof ClusterDefinition>;

/** Who calls. */
export const admin: Identity = { name: "ada", role: "admin" };
/** A signal that a handler's replaces. */
export const silent = new AbortController().signal;

const allow = (): undefined => undefined;

/** The streams service with these handlers; the others refuse. */
export function streams(handlers: Partial<StreamHandlers>): Binding {
  return bind(StreamsDefinition, { ...NO_STREAMS, ...handlers }, allow);
}

/** The cluster service, of which only Info is used. */
export function cluster(info: ClusterHandlers["info"], authorize: Binding["authorize"] = allow): Binding {
  const unused = (): Promise<never> => Promise.reject(new TallshipError("not_supported", "unused"));
  return bind(ClusterDefinition, { info, createToken: unused, listTokens: unused, revokeToken: unused }, authorize);
}

/** A piece of a log. */
export const chunk = (text: string): LogsChunk => LogsChunk.fromPartial({ bytes: Buffer.from(text) });
/** Input of a command. */
export const stdin = (text: string): ExecInput =>
  ExecInput.fromPartial({ part: { $case: "stdin", value: Buffer.from(text) } });
/** Output of a command. */
export const stdout = (text: string): ExecOutput =>
  ExecOutput.fromPartial({ part: { $case: "stdout", value: Buffer.from(text) } });

/** A handler that sends nothing until its call is aborted. */
export async function* untilAborted(signal: AbortSignal): AsyncGenerator<never> {
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Everything that a stream sends. */
export async function collect<T>(source: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const value of source) all.push(value);
  return all;
}

/** A harness for each test, and clients that are closed after it. */
export function transportFixture(makeHarness: () => Promise<TransportHarness>) {
  let current: TransportHarness | undefined;
  let channels: Channel[] = [];
  beforeEach(async () => {
    current = await makeHarness();
  });
  afterEach(async () => {
    for (const channel of channels) channel.close();
    channels = [];
    await current?.dispose();
  });
  const harness = (): TransportHarness => {
    if (current === undefined) throw new Error("no test runs");
    return current;
  };
  const dial = (address: string): Channel => {
    const channel = harness().dialer(admin).dial(address);
    channels.push(channel);
    return channel;
  };
  const withStreams = async (handlers: Partial<StreamHandlers>): Promise<Client<typeof StreamsDefinition>> =>
    dial((await harness().serve([streams(handlers)])).address).client(StreamsDefinition);
  const withInfo = async (
    info: ClusterHandlers["info"],
    authorize?: Binding["authorize"],
  ): Promise<Client<typeof ClusterDefinition>> =>
    dial((await harness().serve([cluster(info, authorize)])).address).client(ClusterDefinition);
  return { harness, dial, withStreams, withInfo };
}
