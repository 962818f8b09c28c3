import { AsyncQueue } from "../../lib/async-queue.js";
import { asTallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";

/** Pieces of an archive that wait to be sent; beyond that it is not read. */
const WAITING = 8;

/** What is sent: a message that opens it, then an archive in pieces. */
export interface Upload<Message> {
  readonly start: Message;
  readonly archive: AsyncIterable<Uint8Array>;
  readonly chunk: (bytes: Buffer) => Message;
}

/** The messages of an upload; the archive is read only as fast as the node takes it. */
export function upload<Message>(
  { start, archive, chunk }: Upload<Message>,
  signal: AbortSignal,
): AsyncIterable<Message> {
  const queue = new AsyncQueue<Message>(WAITING * 4);
  const room: { wake?: () => void } = {};
  queue.push(start);
  const read = async (): Promise<void> => {
    for await (const piece of pieces(archive)) {
      queue.push(chunk(Buffer.from(piece)));
      while (queue.length > WAITING && !signal.aborted)
        await new Promise<void>((resolve) => {
          room.wake = resolve;
        });
    }
    queue.end();
  };
  read().catch((error: unknown) => queue.fail(asTallshipError(error, "invalid_argument")));
  return sent(queue, room);
}

async function* sent<Message>(queue: AsyncQueue<Message>, room: { wake?: () => void }): AsyncGenerator<Message> {
  for await (const message of queue) {
    yield message;
    room.wake?.();
  }
}

async function* pieces(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const most = LIMITS.imageChunkBytes.value;
  for await (const chunk of archive)
    for (let at = 0; at < chunk.length; at += most) yield chunk.subarray(at, at + most);
}
