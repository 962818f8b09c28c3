import { asTallshipError, isErrorCode, TallshipError } from "../../lib/errors.js";
import { Pipe } from "../../lib/transport/pipe.js";
import { type NodeFrame, OperatorFrame } from "../../proto/gen/tallship/v1/streams.js";

/** Frames for the node that wait before the operator is held back. */
const FRAMES_AHEAD = 16;

/**
 * One operator stream as a node carries it: frames from the node are read only as the operator takes them, and frames for the node wait for it. Ends once,
 * from either side.
 */
export class CarriedStream {
  readonly nodeName: string;
  /** Frames on their way to the node: what the node's call answers with. */
  readonly toNode: Pipe<OperatorFrame>;
  private readonly frames: AsyncIterator<NodeFrame>;
  private onRoom: (() => void) | undefined;
  private isClosed = false;

  constructor(nodeName: string, frames: AsyncIterator<NodeFrame>) {
    this.nodeName = nodeName;
    this.frames = frames;
    this.toNode = new Pipe<OperatorFrame>(FRAMES_AHEAD, {
      onRoom: () => {
        const go = this.onRoom;
        this.onRoom = undefined;
        go?.();
      },
    });
  }

  /** Sends to the node; false asks to wait for `onceDrained`. */
  write(frame: OperatorFrame): boolean {
    return this.toNode.push(frame);
  }

  /** Calls once the node has taken what waits. */
  onceDrained(call: () => void): void {
    this.onRoom = call;
  }

  /** The next frame; undefined when the node has ended the stream. Throws the node's error, or unavailable when it broke off. */
  async read(): Promise<NonNullable<NodeFrame["part"]> | undefined> {
    let next: IteratorResult<NodeFrame>;
    try {
      next = await this.frames.next();
    } catch (cause) {
      const { message } = asTallshipError(cause);
      throw new TallshipError("unavailable", `node ${this.nodeName} broke the stream off: ${message}`, { cause });
    }
    if (next.done === true) return undefined;
    const { part } = next.value;
    if (part?.$case !== "error") return part ?? this.read();
    const { code, message } = part.value;
    throw new TallshipError(isErrorCode(code) ? code : "internal", message);
  }

  /** The operator has gone or has all it wants: tells the node, and ends its call. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.toNode.push(OperatorFrame.fromPartial({ part: { $case: "cancel", value: true } }));
    this.toNode.end();
  }
}
