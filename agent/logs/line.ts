/** One line of a log in the k8s-file format: `TIME STREAM P|F CONTENT`. */
export interface LogLine {
  /** As conmon wrote it: RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** The line goes on in the next entry. */
  readonly isPartial: boolean;
  readonly content: Uint8Array;
}

const SPACE = 0x20;
const NEWLINE = 0x0a;
const PARTIAL = 0x50;

/** Reads one entry without its newline; undefined when it is malformed, as the rest of a write that a crash cut. */
export function parseLogLine(bytes: Buffer): LogLine | undefined {
  const first = bytes.indexOf(SPACE);
  const second = bytes.indexOf(SPACE, first + 1);
  const third = bytes.indexOf(SPACE, second + 1);
  if (first < 0 || second < 0 || third !== second + 2) return undefined;
  return {
    time: bytes.toString("latin1", 0, first),
    stream: bytes.toString("latin1", first + 1, second) === "stderr" ? "stderr" : "stdout",
    isPartial: bytes[second + 1] === PARTIAL,
    content: bytes.subarray(third + 1),
  };
}

/** Length of a time as conmon writes it, and where then stand the spaces after it, after the stream, and after the flag. */
const TIME_LENGTH = 35;
const [AFTER_TIME, AFTER_STREAM, FLAG, AFTER_FLAG] = [TIME_LENGTH, TIME_LENGTH + 7, TIME_LENGTH + 8, TIME_LENGTH + 9];

/** Where the content of the entry between two offsets begins, without making anything of the rest; undefined when it is malformed. */
export function contentAt(
  bytes: Buffer,
  from: number,
  end: number,
): { readonly start: number; readonly isPartial: boolean } | undefined {
  const isUsual =
    bytes[from + AFTER_TIME] === SPACE && bytes[from + AFTER_STREAM] === SPACE && bytes[from + AFTER_FLAG] === SPACE;
  const flagAt = isUsual ? from + FLAG : flagOffset(bytes, from);
  if (flagAt < 0 || flagAt + 1 >= end || bytes[flagAt] === SPACE) return undefined;
  return { start: flagAt + 2, isPartial: bytes[flagAt] === PARTIAL };
}

function flagOffset(bytes: Buffer, from: number): number {
  const first = bytes.indexOf(SPACE, from);
  const second = bytes.indexOf(SPACE, first + 1);
  return first < 0 || second < 0 || bytes[second + 2] !== SPACE ? -1 : second + 1;
}

/** Counts the lines of a log that is given in pieces, cut anywhere. A line ends with an entry that is no part. */
export function lineCounter(): { readonly lines: number; add(bytes: Buffer): void } {
  let rest: Buffer = Buffer.alloc(0);
  let lines = 0;
  return {
    get lines() {
      return lines;
    },
    add: (bytes) => {
      const all = Buffer.concat([rest, bytes]);
      let from = 0;
      for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE, from)) {
        if (contentAt(all, from, end)?.isPartial === false) lines += 1;
        from = end + 1;
      }
      rest = all.subarray(from);
    },
  };
}

/** Splits what was read into whole entries and the rest. */
export function splitEntries(bytes: Buffer): { readonly entries: readonly Buffer[]; readonly rest: Buffer } {
  const entries: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
    entries.push(bytes.subarray(from, end));
    from = end + 1;
  }
  return { entries, rest: bytes.subarray(from) };
}

/** Offset at which the last `count` whole lines of a buffer begin, and how many lines were found. A line ends with an F entry. */
export function tailOffset(bytes: Buffer, count: number): { readonly offset: number; readonly found: number } {
  let found = 0;
  let end = bytes.length;
  while (end > 0) {
    const from = bytes.lastIndexOf(NEWLINE, end - 2) + 1;
    const isWhole = parseLogLine(bytes.subarray(from, end - 1))?.isPartial === false;
    if (isWhole && found === count) return { offset: end, found };
    if (isWhole) found += 1;
    end = from;
  }
  return { offset: 0, found };
}
