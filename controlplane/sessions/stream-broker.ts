import type { Clock } from "../../lib/clock.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Rng } from "../../lib/rng.js";
import type { CallContext } from "../../lib/transport/service.js";
import { OpenStream, RequestStreamRequest } from "../../proto/gen/tallship/v1/session.js";
import type { NodeFrame, OperatorFrame } from "../../proto/gen/tallship/v1/streams.js";
import { CarriedStream } from "./carried-stream.js";

/** What the broker needs. */
export interface BrokerDeps {
  readonly clock: Clock;
  readonly rng: Rng;
  /** API address of this replica, where nodes bring their streams. */
  readonly ownAddress: string;
  /** Has the leader ask the node; resolves when the signal aborts, rejects when the node cannot or will not. */
  readonly askLeader: (request: RequestStreamRequest, signal: AbortSignal) => Promise<void>;
}

/** Which pod a stream is for, and what its node is asked. */
export interface StreamTarget {
  readonly nodeName: string;
  readonly podUID: string;
  readonly what: NonNullable<OpenStream["what"]>;
}

interface Waiting {
  readonly nodeName: string;
  readonly resolve: (stream: CarriedStream) => void;
}

/**
 * Brings operators and nodes together on the replica that the operator has asked. The replica makes up an operation id, has the leader pass it to the node,
 * and waits for that node, by its certificate, to bring a stream with that id.
 */
export class StreamBroker {
  private readonly deps: BrokerDeps;
  private readonly waiting = new Map<string, Waiting>();

  constructor(deps: BrokerDeps) {
    this.deps = deps;
  }

  /** Gets a stream to the node; deadline_exceeded after limits.streamOpenMs. */
  open({ nodeName, podUID, what }: StreamTarget, signal: AbortSignal): Promise<CarriedStream> {
    const { clock, rng, ownAddress, askLeader } = this.deps;
    const operationID = Buffer.from(rng.bytes(16)).toString("hex");
    const open = OpenStream.fromPartial({ operationID, replicaAddress: ownAddress, podUID, what });
    const over = new AbortController();
    return new Promise<CarriedStream>((resolve, reject) => {
      const settle = (end: () => void): void => {
        this.waiting.delete(operationID);
        cancelLate();
        signal.removeEventListener("abort", gone);
        over.abort();
        end();
      };
      const fail = (error: TallshipError): void => settle(() => reject(error));
      const gone = (): void => fail(new TallshipError("cancelled", "the operator has gone"));
      const late = `node ${nodeName} did not open the stream within ${limit("streamOpenMs")} ms`;
      const cancelLate = clock.after(limit("streamOpenMs"), () => fail(new TallshipError("deadline_exceeded", late)));
      this.waiting.set(operationID, { nodeName, resolve: (stream) => settle(() => resolve(stream)) });
      if (signal.aborted) return gone();
      signal.addEventListener("abort", gone, { once: true });
      askLeader(RequestStreamRequest.fromPartial({ nodeName, open }), over.signal).catch((error: unknown) => {
        if (!over.signal.aborted) fail(asTallshipError(error));
      });
    });
  }

  /** Takes a stream that a node brings, for the Nodes service. */
  carry(frames: AsyncIterable<NodeFrame>, { identity, signal }: CallContext): AsyncIterable<OperatorFrame> {
    const iterator = frames[Symbol.asyncIterator]();
    const carried = new CarriedStream(identity.name, iterator);
    const refuse = (error: TallshipError): void => carried.toNode.end(error);
    const cancelLate = this.deps.clock.after(limit("streamOpenMs"), () =>
      refuse(new TallshipError("deadline_exceeded", "carry: the first frame must name the operation")),
    );
    signal.addEventListener("abort", cancelLate, { once: true });
    iterator
      .next()
      .then((first) => {
        cancelLate();
        this.meet(first.done === true ? undefined : first.value, carried);
      })
      .catch((error: unknown) => refuse(asTallshipError(error)));
    return carried.toNode;
  }

  private meet(first: NodeFrame | undefined, carried: CarriedStream): void {
    const operationID = first?.part?.$case === "operationID" ? first.part.value : undefined;
    if (operationID === undefined)
      throw new TallshipError("invalid_argument", "carry: the first frame must name the operation");
    const waiting = this.waiting.get(operationID);
    if (waiting?.nodeName !== carried.nodeName)
      throw new TallshipError("not_found", "carry: nobody waits for this operation here; the operator may have gone");
    waiting.resolve(carried);
  }
}
