import fc from "fast-check";
import { expect, test } from "vitest";
import { entryPath, pathBytes, shownPath, type TarEntry, type TarType, tarEntry } from "./entry.js";
import { BLOCK_BYTES, decodeHeader, encodeHeader } from "./header.js";
import { formatPax, parsePax } from "./pax.js";
import { checkedMap, contentMap } from "./sparse.js";
import { TarReader } from "./tar-reader.js";
import { tarArchive, tarEnd, tarHeader, tarPadding } from "./tar-writer.js";

type Read = readonly (readonly [TarEntry, string])[];

/** Reads an archive that arrives in pieces of the size given. */
function read(archive: Buffer, pieceBytes = archive.length): Read {
  const entries: [TarEntry, string][] = [];
  const reader = new TarReader({
    entry: (entry) => entries.push([entry, ""]),
    content: (bytes) => {
      const last = entries.at(-1);
      if (last !== undefined) last[1] += bytes.toString("latin1");
    },
    end: () => undefined,
  });
  for (let at = 0; at < archive.length; at += pieceBytes) {
    // A copy that is overwritten afterwards: the reader must not keep what it was given.
    const piece = Buffer.from(archive.subarray(at, at + pieceBytes));
    reader.push(piece);
    piece.fill(0xee);
  }
  reader.finish();
  return entries;
}

const byteText = (max: number): fc.Arbitrary<string> =>
  fc
    .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: max })
    .map((codes) => String.fromCharCode(...codes));

const anyEntry: fc.Arbitrary<readonly [TarEntry, Uint8Array]> = fc
  .record({
    path: byteText(300).map((path) => path.replace(/\/+$/, "x")),
    type: fc.constantFrom<TarType>("file", "link", "symlink", "directory", "fifo", "char", "block"),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 4_294_967_294 }),
    gid: fc.integer({ min: 0, max: 4_294_967_294 }),
    mtimeS: fc.integer({ min: -100, max: 5_000_000_000 }),
    linkPath: byteText(300),
    devMajor: fc.integer({ min: 0, max: 4_000 }),
    devMinor: fc.integer({ min: 0, max: 4_000 }),
    xattrs: fc.dictionary(fc.constantFrom("user.a", "security.capability"), fc.uint8Array({ maxLength: 20 })),
    bytes: fc.uint8Array({ maxLength: 1_500 }),
  })
  .map(({ bytes, xattrs, ...fields }) => {
    const content = fields.type === "file" ? bytes : new Uint8Array();
    const pairs = Object.entries(xattrs).map(([name, value]) => [name, Buffer.from(value)] as const);
    return [{ ...fields, sizeBytes: content.length, xattrs: new Map(pairs), sparse: undefined }, content] as const;
  });

test("what is written is read back, in pieces of any size", () => {
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 5 }), fc.integer({ min: 1, max: 3_000 }), (entries, pieceBytes) => {
      const want = entries.map(([entry, bytes]) => [entry, Buffer.from(bytes).toString("latin1")]);
      expect(read(tarArchive(entries), pieceBytes)).toEqual(want);
    }),
    { numRuns: 200, seed: 1 },
  );
});

test("pax records keep every byte and their order", () => {
  const record = fc.record({ key: byteText(20).map((key) => key.replaceAll("=", "-")), value: byteText(200) });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 6 }), (records) => {
      expect(parsePax(formatPax(records))).toEqual(records);
    }),
    { numRuns: 200, seed: 1 },
  );
});

test("the length of a pax record counts its own digits at every power of ten", () => {
  for (const length of [1, 4, 5, 6, 89, 90, 91, 92, 93, 986, 987, 988, 989, 990, 991]) {
    const records = [{ key: "k", value: "v".repeat(length) }];
    expect(parsePax(formatPax(records))).toEqual(records);
  }
});

test("an archive without its end blocks is read to its end", () => {
  const [entry, bytes] = [tarEntry("a", "file", { sizeBytes: 3 }), Buffer.from("abc")];
  expect(read(Buffer.concat([tarHeader(entry), bytes, tarPadding(3)])).length).toBe(1);
  expect(read(Buffer.alloc(0))).toEqual([]);
});

test("what follows the end of the archive is not read", () => {
  const after = tarArchive([[tarEntry("b", "file"), Buffer.from("b")]]);
  expect(read(Buffer.concat([tarArchive([[tarEntry("a", "file"), new Uint8Array()]]), after])).length).toBe(1);
});

test("a directory of version 7 is a file whose name ends in a slash", () => {
  const header = tarHeader(tarEntry("d/", "file"));
  header.fill(0, 257, 265); // No magic.
  header.write("\0", 156, "latin1");
  expect(read(withChecksum(header))[0]?.[0].type).toBe("directory");
});

test("a file whose first hundred bytes of name end in a slash is no directory", () => {
  const path = `${"d".repeat(99)}/file`;
  expect(read(tarArchive([[tarEntry(path, "file"), Buffer.from("x")]]))[0]).toMatchObject([
    { path, type: "file" },
    "x",
  ]);
});

test("names are bytes: those that are no UTF-8 are kept", () => {
  const path = entryPath("größe-\u{1F600}");
  expect(shownPath(path)).toBe("größe-\u{1F600}");
  expect(pathBytes("plain")).toBe("plain");
  expect(pathBytes("\xff")).toEqual(Buffer.from([0xff]));
  expect(read(tarArchive([[tarEntry("\xff\xfe", "file"), new Uint8Array()]]))[0]?.[0].path).toBe("\xff\xfe");
});

test("numbers in base 256 are read, negative ones too", () => {
  const header = tarHeader(tarEntry("a", "file"));
  Buffer.from("80000000ffffffff", "hex").copy(header, 108); // uid
  Buffer.from("ffffffffffffffffffffffff", "hex").copy(header, 136); // mtime
  const [entry] = read(withChecksum(header))[0] ?? [];
  expect([entry?.uid, entry?.mtimeS]).toEqual([4_294_967_295, -1]);
});

function withChecksum(header: Buffer): Buffer {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK_BYTES; at += 1) sum += at >= 148 && at < 156 ? 0 : (header[at] ?? 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  return header;
}

const meta = (typeFlag: string, body: Buffer, sizeBytes = body.length): Buffer =>
  Buffer.concat([
    encodeHeader({
      ...{ path: "meta", typeFlag, mode: 0, uid: 0, gid: 0, sizeBytes, mtimeS: 0 },
      ...{ linkPath: "", devMajor: 0, devMinor: 0 },
    }),
    body,
    tarPadding(body.length),
  ]);
const fileOf = (sizeBytes: number): Buffer =>
  Buffer.concat([tarHeader(tarEntry("f", "file", { sizeBytes })), Buffer.alloc(sizeBytes), tarPadding(sizeBytes)]);
const pax = (...records: [string, string][]): Buffer =>
  meta("x", formatPax(records.map(([key, value]) => ({ key, value }))));

test("GNU long names and links describe the next entry alone", () => {
  const long = `${"n".repeat(300)}\0`;
  const archive = Buffer.concat([meta("L", Buffer.from(long)), meta("K", Buffer.from("to\0")), fileOf(0), fileOf(0)]);
  const paths = read(archive).map(([{ path, linkPath }]) => [path.length, linkPath]);
  expect(paths).toEqual([
    [300, "to"],
    [1, ""],
  ]);
});

const sparse10 = (map: string, stored: number): Buffer => {
  const body = Buffer.concat([Buffer.from(map), tarPadding(map.length), Buffer.alloc(stored, "d")]);
  const records = pax(["GNU.sparse.major", "1"], ["GNU.sparse.minor", "0"], ["GNU.sparse.realsize", "9000"]);
  const header = tarHeader(tarEntry("GNUSparseFile.1/f", "file", { sizeBytes: body.length }));
  return Buffer.concat([records, header, body, tarPadding(body.length), tarEnd()]);
};

test("the map of a sparse file of version 1.0 stands in its content", () => {
  const [entry, bytes] = read(sparse10("1\n4096\n100\n", 100), 100)[0] ?? [];
  expect(entry?.sparse).toEqual({ realSize: 9_000, regions: [{ offset: 4_096, length: 100 }] });
  expect(bytes).toBe("d".repeat(100));
});

// Each is an archive that some reader has hung on, over-read or filled memory with.
const malformed = [
  { name: "cut within a header", archive: fileOf(0).subarray(0, 300), want: "ends within an entry" },
  { name: "cut within content", archive: fileOf(600).subarray(0, 800), want: "ends within an entry" },
  { name: "cut within padding", archive: fileOf(600).subarray(0, 1_300), want: "ends within an entry" },
  { name: "wrong checksum", archive: Buffer.concat([Buffer.from("x"), fileOf(0).subarray(1)]), want: "checksum" },
  { name: "letters in a number", archive: badNumber("zz"), want: "in a number" },
  { name: "a size beyond 2^53", archive: badNumber("\x80\xff\xff\xff\xff\xff\xff\xff"), want: "too large" },
  {
    name: "a negative size",
    archive: badNumber("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xf0"),
    want: "-16 bytes",
  },
  { name: "an unknown type", archive: meta("V", Buffer.alloc(0)), want: 'type "V"' },
  {
    name: "an entry after one zero block",
    archive: Buffer.concat([Buffer.alloc(512), fileOf(0)]),
    want: "follows the end",
  },
  {
    name: "a pax header of 2 GiB",
    archive: meta("x", Buffer.alloc(0), 2 ** 31),
    want: "a x header of 2147483648 bytes",
  },
  { name: "a long name of 2 GiB", archive: meta("L", Buffer.alloc(0), 2 ** 31), want: "a L header of" },
  {
    name: "a pax record longer than its header",
    archive: meta("x", Buffer.from("99 a=b\n")),
    want: "malformed record",
  },
  { name: "a pax record without length", archive: meta("x", Buffer.from("a=b\n")), want: "malformed record" },
  { name: "a pax record of length 0", archive: meta("x", Buffer.from("0 a=b\n")), want: "malformed record" },
  {
    name: "a pax size that is no number",
    archive: Buffer.concat([pax(["size", "1e3"]), fileOf(0)]),
    want: "size is not a",
  },
  { name: "a negative pax size", archive: Buffer.concat([pax(["size", "-5"]), fileOf(0)]), want: "-5 bytes" },
  { name: "a pax size with a fraction", archive: Buffer.concat([pax(["size", "0.5"]), fileOf(0)]), want: "0.5 bytes" },
  { name: "a sparse map without end", archive: sparse10(`100000\n${"1\n".repeat(100)}`, 0), want: "map without end" },
  { name: "a sparse map that overlaps", archive: sparse10("2\n0\n50\n40\n50\n", 100), want: "overlap" },
  { name: "a sparse map beyond the file", archive: sparse10("1\n8990\n100\n", 100), want: "beyond the file" },
  { name: "a sparse map that covers too little", archive: sparse10("1\n0\n50\n", 100), want: "does not cover" },
  { name: "a sparse map of text", archive: sparse10("many\n", 0), want: "malformed count" },
];

function badNumber(size: string): Buffer {
  const header = Buffer.from(fileOf(0));
  header.fill(0, 124, 136);
  header.write(size, 124, "latin1");
  return withChecksum(header);
}

for (const { name, archive, want } of malformed) {
  test(`malformed: ${name}`, () => {
    expect(() => read(archive)).toThrow(want);
    expect(() => read(archive, 7)).toThrow(want);
  });
}

test("a sparse map may end with an empty region and hold none", () => {
  expect(checkedMap(10, [{ offset: 10, length: 0 }])).toEqual({ realSize: 10, regions: [] });
  expect(contentMap(Buffer.from("0\n"), 5)).toEqual({ realSize: 5, regions: [] });
  expect(contentMap(Buffer.from("1"), 5)).toBeUndefined();
});

test("random bytes are refused or read, and nothing else happens", () => {
  const seedArchive = tarArchive([[tarEntry("a".repeat(150), "file"), Buffer.alloc(700, "x")]]);
  const change = fc.tuple(fc.nat(seedArchive.length - 1), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const archive = Buffer.from(seedArchive);
      for (const [at, byte] of changes) archive[at] = byte;
      try {
        read(archive, 333);
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_argument" });
      }
    }),
    { numRuns: 2_000, seed: 7 },
  );
});

test("a block of zeros is no header", () => {
  expect(decodeHeader(Buffer.alloc(BLOCK_BYTES))).toBeUndefined();
});
