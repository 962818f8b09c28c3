/** Messages that go to several streams, and their bytes once they were encoded. */
const encodings = new WeakMap<WeakKey, { bytes: Buffer | undefined }>();

/** Has a message that is sent on several streams encoded for the first of them only. It must not change any more. Returns it. */
export function encodeOnce<T extends object>(message: T): T {
  if (!encodings.has(message)) encodings.set(message, { bytes: undefined });
  return message;
}

/** The message's bytes, by `encode` unless they are kept. */
export function bytesOf(message: unknown, encode: () => Buffer): Buffer {
  const kept = typeof message === "object" && message !== null ? encodings.get(message) : undefined;
  if (kept === undefined) return encode();
  kept.bytes ??= encode();
  return kept.bytes;
}
