import { Pipe } from "../../lib/transport/pipe.js";
import type { Dialer } from "../../lib/transport/service.js";
import {
  type ControlMessage,
  NodeMessage,
  NodesDefinition,
  type OpenStream,
} from "../../proto/gen/tallship/v1/session.js";
import { NodeFrame, type OperatorFrame } from "../../proto/gen/tallship/v1/streams.js";

type NodePart = NonNullable<NodeMessage["part"]>;
type ControlPart = NonNullable<ControlMessage["part"]>;
type ControlParts = { readonly [P in ControlPart as P["$case"]]: P["value"] };
type FramePart = NonNullable<NodeFrame["part"]>;

/** A node's side of its session, driven by a test: what it received, and how it ended. */
export class FakeNode {
  readonly received: ControlPart[] = [];
  private readonly dialer: Dialer;
  private readonly outgoing = new Pipe<NodeMessage>(1_000);
  private readonly stop = new AbortController();
  private sequence = 0;
  /** How the session ended; undefined while it is open. */
  ending: { readonly error: unknown } | undefined;

  constructor(dialer: Dialer, address: string) {
    this.dialer = dialer;
    void this.run(address);
  }

  send(part: NodePart): void {
    this.outgoing.push(NodeMessage.fromPartial({ part }));
  }

  hello(bootID = "boot-1"): void {
    const hello = { bootID, clusterEpoch: "", agentVersion: "test", status: undefined, labels: {} };
    this.send({ $case: "hello", value: hello });
  }

  heartbeat(endpointRevisionApplied = 0, conditions: readonly { type: string; status: string }[] = []): void {
    this.sequence += 1;
    const { part } = NodeMessage.fromPartial({
      part: { $case: "heartbeat", value: { sequence: this.sequence, endpointRevisionApplied, conditions } },
    });
    if (part !== undefined) this.send(part);
  }

  /** The messages of one kind, in order. */
  got<K extends keyof ControlParts>(kind: K): readonly ControlParts[K][] {
    return this.received.filter(({ $case }) => $case === kind).map(({ value }) => value as ControlParts[K]);
  }

  /** The stream that the node was last asked to open. */
  lastOpen(): OpenStream {
    const open = this.got("open").at(-1);
    if (open === undefined) throw new Error("the node was not asked to open a stream");
    return open;
  }

  /** Brings a stream to the replica that asked. */
  carry(open: OpenStream): FakeCarry {
    return new FakeCarry(this.dialer, open);
  }

  /** Dies without a word. */
  die(): void {
    this.stop.abort();
  }

  private async run(address: string): Promise<void> {
    try {
      const session = this.dialer
        .dial(address)
        .client(NodesDefinition)
        .session(this.outgoing, { signal: this.stop.signal });
      for await (const { part } of session) if (part !== undefined) this.received.push(part);
      this.ending = { error: undefined };
    } catch (error) {
      this.ending = { error };
    }
  }
}

/** A node's side of one operator stream. */
export class FakeCarry {
  readonly received: OperatorFrame[] = [];
  readonly outgoing = new Pipe<NodeFrame>(16);
  private readonly stop = new AbortController();
  ending: { readonly error: unknown } | undefined;

  constructor(dialer: Dialer, open: OpenStream) {
    this.send({ $case: "operationID", value: open.operationID });
    void this.run(dialer, open);
  }

  /** False when the operator is behind. */
  send(part: FramePart): boolean {
    return this.outgoing.push(NodeFrame.fromPartial({ part }));
  }

  end(): void {
    this.outgoing.end();
  }

  die(): void {
    this.stop.abort();
  }

  private async run(dialer: Dialer, open: OpenStream): Promise<void> {
    try {
      const frames = dialer
        .dial(open.replicaAddress)
        .client(NodesDefinition)
        .carry(this.outgoing, { signal: this.stop.signal });
      for await (const frame of frames) this.received.push(frame);
      this.ending = { error: undefined };
    } catch (error) {
      this.ending = { error };
    }
  }
}
