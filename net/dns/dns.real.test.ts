import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { decode, encode, type Packet, type RecordType } from "dns-packet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { freePort } from "../../test/kit/etcd.js";
import { waitFor } from "../../test/kit/wait.js";
import { runDns } from "./main.js";
import type { Reply } from "./message.js";
import { namesFile, namesPath } from "./names-file.js";
import { askerLine, headerLine, serviceLine } from "./names-log.js";
import { listenDns } from "./server.js";

const over = new AbortController();
const runDir = mkdtempSync(join(tmpdir(), "tallship-dns-"));
let port = 0;
let running: Promise<void>;

const line = (name: string, addresses: readonly string[]): string =>
  serviceLine(`default/${name}`, { names: { [`${name}.default.svc.cluster.local`]: { a: addresses } }, reverse: {} });
const many = Array.from({ length: 200 }, (_, at) => `10.128.0.${at + 1}`);
const file = namesFile(namesPath(runDir));

beforeAll(async () => {
  port = await freePort();
  file.replace([headerLine("cluster.local"), line("web", ["10.96.0.20"]), line("many", many)]);
  writeFileSync(join(runDir, "resolv.conf"), "nameserver 127.0.0.1\n");
  const cluster = {
    dnsAddress: "127.0.0.1",
    clusterDomain: "cluster.local",
    podCIDR: "10.128.0.0/9",
    serviceCIDR: "10.96.0.0/12",
  };
  running = runDns({ cluster, runDir, resolvConf: join(runDir, "resolv.conf"), port, log: silentLog }, over.signal);
  const first = query("web.default.svc.cluster.local");
  await waitFor("the server to answer", async () => (await exchange(first, 300)) !== undefined);
});

afterAll(async () => {
  over.abort();
  await running;
  rmSync(runDir, { recursive: true, force: true });
});

function query(name: string, type: RecordType = "A", ednsBytes = 0): Buffer {
  const additionals: Packet["additionals"] =
    ednsBytes === 0
      ? []
      : [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize: ednsBytes,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ];
  return encode({ type: "query", id: 7, flags: 0x100, questions: [{ name, type, class: "IN" }], additionals });
}

function exchange(bytes: Buffer, patienceMs = 10_000): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const timer = setTimeout(() => finish(undefined), patienceMs);
    const finish = (answer: Buffer | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    socket.once("message", finish);
    socket.once("error", () => finish(undefined));
    socket.send(bytes, port, "127.0.0.1");
  });
}

async function askUdp(name: string, type: RecordType = "A", ednsBytes = 0): Promise<Packet | undefined> {
  const answer = await exchange(query(name, type, ednsBytes));
  return answer === undefined ? undefined : decode(answer);
}

function askTcp(bytes: Buffer): Promise<Packet> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" });
    let received = Buffer.alloc(0);
    socket.on("error", reject);
    socket.on("data", (part) => {
      received = Buffer.concat([received, part]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      socket.destroy();
      resolve(decode(received.subarray(2)));
    });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    socket.write(length);
    socket.write(bytes);
  });
}

const flag = (packet: Packet | undefined, bit: number): boolean => ((packet?.flags ?? 0) & bit) !== 0;
const code = (packet: Packet | undefined): number => (packet?.flags ?? 0) & 0x0f;

test("a name is answered with its id, its question and its address", async () => {
  const answer = await askUdp("Web.default.svc.cluster.local");
  expect(answer).toMatchObject({
    id: 7,
    questions: [{ name: "Web.default.svc.cluster.local" }],
    answers: [{ name: "Web.default.svc.cluster.local", data: "10.96.0.20", ttl: 5 }],
  });
  expect(flag(answer, 0x400)).toBe(true);
});

test("a missing name and a missing type differ", async () => {
  const missing = await askUdp("nobody.default.svc.cluster.local");
  expect([code(missing), missing?.authorities?.[0]?.type]).toEqual([3, "SOA"]);
  expect(code(await askUdp("web.default.svc.cluster.local", "AAAA"))).toBe(0);
});

test("an answer that is too large is cut, and whole over TCP", async () => {
  const cut = await askUdp("many.default.svc.cluster.local", "A", 4_096);
  expect(flag(cut, 0x200)).toBe(true);
  // Who does not ask again has what there was room for.
  const had = cut?.answers?.length ?? 0;
  expect(had).toBeGreaterThan(10);
  expect(had).toBeLessThan(200);
  expect((await askTcp(query("many.default.svc.cluster.local"))).answers).toHaveLength(200);
});

test("garbage is refused or ignored, and the server lives", async () => {
  expect(await exchange(Buffer.from("garbage"), 300)).toBeUndefined();
  const malformed = query("web.default.svc.cluster.local").subarray(0, 20);
  expect(((await exchange(malformed))?.readUInt16BE(2) ?? 0) & 0x0f).toBe(1);
  const update = query("web.default.svc.cluster.local");
  update.writeUInt16BE(5 << 11, 2);
  expect(((await exchange(update))?.readUInt16BE(2) ?? 0) & 0x0f).toBe(4);
  expect((await askUdp("web.default.svc.cluster.local"))?.answers).toHaveLength(1);
});

test("a flood of questions, garbage and idle connections leaves others their answers", async () => {
  const flood = createSocket("udp4");
  const idle = Array.from({ length: 150 }, () => connect({ port, host: "127.0.0.1" }).on("error", () => undefined));
  const question = query("web.default.svc.cluster.local");
  const noise = [query("nobody.default.svc.cluster.local"), query("example.com"), Buffer.from("garbage")];
  for (let round = 0; round < 20; round += 1) {
    for (let at = 0; at < 500; at += 1) flood.send(noise[at % noise.length] ?? Buffer.of(0), port, "127.0.0.1");
    // Some of what is sent is lost in the flood.
    await waitFor("an answer", async () => (await exchange(question, 300)) !== undefined);
  }
  expect((await askTcp(query("many.default.svc.cluster.local"))).answers).toHaveLength(200);
  for (const socket of idle) socket.destroy();
  flood.close();
});

test("who asks by TCP and reads nothing is answered no further, and ended when it goes on; others have their answers", async () => {
  let answered = 0;
  const reply = (): Reply => {
    answered += 1;
    const data = Array.from({ length: 2_000 }, (_, at) => `10.128.${at >> 8}.${at & 0xff}`);
    return {
      code: 0,
      answers: data.map((each) => ({ type: "A", name: "a.b", ttl: 5, data: each })),
      isAuthoritative: true,
    };
  };
  const own = await freePort();
  const server = await listenDns("127.0.0.1", own, { fast: () => undefined, reply });
  const bytes = query("a.b");
  const framed = Buffer.concat([Buffer.of(0, bytes.length), bytes]);
  const deaf = connect({ port: own, host: "127.0.0.1" }).pause();
  const ended = new Promise((resolve) => deaf.on("error", () => undefined).on("close", resolve));
  const most = Math.ceil((2 * 65_536) / framed.length);
  for (let at = 0; at < 2 * most && !deaf.destroyed; at += 100) {
    deaf.write(Buffer.concat(Array.from({ length: 100 }, () => framed)));
    await new Promise(setImmediate);
  }
  await ended;
  // 32 kB each: what the two sockets' buffers take of them, and not all that were asked for.
  expect(answered).toBeLessThan(most / 4);
  server.close();
});

test("a pod of other networks gets what the name means there, by UDP and TCP; when it has gone its address means nothing", async () => {
  const there = { "shop/back": { a: ["10.96.0.61"] } };
  const names = { "db.default.svc.cluster.local": { a: ["10.96.0.60"], on: there } };
  file.append(serviceLine("default/db", { names, reverse: {} }));
  file.append(askerLine("127.0.0.1", ["shop/back"]));
  const addresses = (packet: Packet | undefined): unknown =>
    packet?.answers?.map((answer) => "data" in answer && answer.data);
  const becomes = (want: string): Promise<unknown> =>
    waitFor(`db to be ${want}`, async () =>
      isDeepStrictEqual(addresses(await askUdp("db.default.svc.cluster.local")), [want]),
    );
  await becomes("10.96.0.61");
  expect(addresses(await askTcp(query("db.default.svc.cluster.local")))).toEqual(["10.96.0.61"]);
  file.append(askerLine("127.0.0.1", undefined));
  await becomes("10.96.0.60");
});

test("the host's resolver is not asked when it is this server: no loop", async () => {
  expect(code(await askUdp("example.com"))).toBe(2);
});

test("what the agent appends is in force at once, and so is a whole new file", async () => {
  const addressesOf = async (name: string): Promise<unknown> =>
    (await askUdp(`${name}.default.svc.cluster.local`))?.answers?.map((answer) => "data" in answer && answer.data);
  const becomes = (name: string, want: readonly string[]): Promise<unknown> =>
    waitFor(`${name} to be ${want}`, async () => isDeepStrictEqual(await addressesOf(name), want));
  const whole = line("new", ["10.96.0.99"]);
  file.append(whole.slice(0, 20));
  expect(await addressesOf("new")).toEqual([]);
  file.append(whole.slice(20));
  await becomes("new", ["10.96.0.99"]);
  file.append(line("new", ["10.96.0.98"]));
  await becomes("new", ["10.96.0.98"]);
  file.replace([headerLine("cluster.local"), line("other", ["10.96.0.97"])]);
  await becomes("other", ["10.96.0.97"]);
  await becomes("new", []);
  file.append(line("third", ["10.96.0.96"]));
  await becomes("third", ["10.96.0.96"]);
});
