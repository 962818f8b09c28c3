import { spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "dns-packet";
import { namesFile, namesPath } from "../net/dns/names-file.js";
import { headerLine, serviceLine } from "../net/dns/names-log.js";
import { bundleProgram } from "../test/kit/bundle.js";
import { freePort } from "../test/kit/etcd.js";
import { waitFor } from "../test/kit/wait.js";
import { type Bench, type BenchContext, median, percentile } from "./harness.js";
import { cpuMs } from "./proc.js";

/** How many names one core answers, and how late answers are at half of that. */
export const dns: Bench = {
  name: "dns",
  summary:
    "answers per second of CPU for names of 10,000 services, over UDP; how late they come at half that rate; when a change is answered",
  goals: [
    { metric: "qps_core", op: ">=", bound: 20_000, stage: "full" },
    { metric: "p99_ms", op: "<=", bound: 2, stage: "full" },
    { metric: "change_ms", op: "<=", bound: 100, stage: "full" },
  ],
  run,
};

const NAMES = 10_000;
const IN_FLIGHT = 64;

/** Half of the rate that is the goal. */
const PACED_QPS = 10_000;

const nameOf = (at: number): string => `s${at}.default.svc.cluster.local`;
const lineOf = (at: number, address: string): string =>
  serviceLine(`default/s${at}`, { names: { [nameOf(at)]: { a: [address] } }, reverse: {} });

const SERVER = `import { silentLog } from "./lib/log.js";
import { runDns } from "./net/dns/main.js";
const [runDir, port] = process.argv.slice(2);
const cluster = { dnsAddress: "127.0.0.1", clusterDomain: "cluster.local", podCIDR: "10.128.0.0/9", serviceCIDR: "10.96.0.0/12" };
await runDns({ cluster, runDir, resolvConf: runDir + "/resolv.conf", port: Number(port), log: silentLog }, new AbortController().signal);`;

async function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  const runDir = mkdtempSync(join(tmpdir(), "tallship-dns-bench-"));
  const file = namesFile(namesPath(runDir));
  file.replace([headerLine("cluster.local"), ...Array.from({ length: NAMES }, (_, at) => lineOf(at, address(at)))]);
  writeFileSync(join(runDir, "resolv.conf"), "nameserver 127.0.0.1\n");
  const program = await bundleProgram(SERVER);
  const port = await freePort();
  const server = spawn(process.execPath, [program.path, runDir, String(port)], { stdio: "inherit" });
  const client = new Client(port);
  try {
    await waitFor("the server to answer", () =>
      client.ask(0, 100).then(
        () => true,
        () => false,
      ),
    );
    const rates: number[] = [];
    const walls: number[] = [];
    for (let round = 0; round < (context.isQuick ? 2 : 5); round += 1) {
      const { perCpuSecond, perSecond } = await flatOut(client, server.pid ?? 0, context.isQuick ? 20_000 : 100_000);
      context.report(`${Math.round(perSecond)} answers/s, ${Math.round(perCpuSecond)} per second of the server's CPU`);
      rates.push(perCpuSecond);
      walls.push(perSecond);
    }
    const late = await paced(client, PACED_QPS, context.isQuick ? 2 : 10);
    const changeMs = await changes(client, file, context.isQuick ? 5 : 30);
    return {
      qps_core: median(rates),
      qps: median(walls),
      p50_ms: percentile(late, 50),
      p99_ms: percentile(late, 99),
      change_ms: percentile(changeMs, 99),
    };
  } finally {
    client.close();
    server.kill("SIGKILL");
    rmSync(runDir, { recursive: true, force: true });
    rmSync(program.folder, { recursive: true, force: true });
  }
}

function address(at: number): string {
  return `10.97.${at >> 8}.${at & 255}`;
}

/** Questions over one socket; answers find theirs by number. */
class Client {
  private readonly socket: Socket;
  private readonly port: number;
  private readonly waiting = new Map<number, (answer: Buffer) => void>();
  private readonly questions: readonly Buffer[];
  private lastId = 0;

  constructor(port: number) {
    this.port = port;
    this.socket = createSocket({
      type: "udp4",
      recvBufferSize: 4_194_304,
      lookup: (host, _options, found) => found(null, host, 4),
    });
    this.socket.on("message", (answer) => {
      const id = answer.readUInt16BE(0);
      this.waiting.get(id)?.(answer);
      this.waiting.delete(id);
    });
    this.questions = Array.from({ length: NAMES }, (_, at) =>
      encode({ type: "query", id: 0, questions: [{ type: "A", name: nameOf(at), class: "IN" }] }),
    );
  }

  /** The answer to the question for a name; rejects when it is late. */
  ask(at: number, timeoutMs = 2_000): Promise<Buffer> {
    this.lastId = (this.lastId + 1) % 65_536;
    const id = this.lastId;
    const question = Buffer.from(this.questions[at % NAMES] ?? Buffer.alloc(0));
    question.writeUInt16BE(id, 0);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer for ${nameOf(at)} in ${timeoutMs} ms`)), timeoutMs);
      this.waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.socket.send(question, this.port, "127.0.0.1");
    });
  }

  close(): void {
    this.socket.close();
  }
}

/** A fixed number of questions on their way at any time. */
async function flatOut(
  client: Client,
  serverPid: number,
  count: number,
): Promise<{ readonly perCpuSecond: number; readonly perSecond: number }> {
  const cpuBefore = cpuMs(serverPid);
  const startedMs = performance.now();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await client.ask((next * 7_919) % NAMES);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  const seconds = (performance.now() - startedMs) / 1_000;
  return { perCpuSecond: (count * 1_000) / (cpuMs(serverPid) - cpuBefore), perSecond: count / seconds };
}

/** Questions at a fixed rate, whether answers come or not; milliseconds until each answer. */
async function paced(client: Client, perSecond: number, seconds: number): Promise<readonly number[]> {
  const late: number[] = [];
  const asked: Promise<void>[] = [];
  const startedMs = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const passedMs = performance.now() - startedMs;
      for (; asked.length < (passedMs * perSecond) / 1_000; ) {
        const sentMs = performance.now();
        asked.push(client.ask(asked.length).then(() => void late.push(performance.now() - sentMs)));
      }
      if (passedMs < seconds * 1_000) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  await Promise.all(asked);
  return late;
}

/** Milliseconds from the write of a changed name until it is answered. */
async function changes(client: Client, file: ReturnType<typeof namesFile>, count: number): Promise<readonly number[]> {
  const took: number[] = [];
  for (let round = 1; round <= count; round += 1) {
    const startedMs = performance.now();
    file.append(lineOf(round, `10.98.0.${round}`));
    const isNew = async (): Promise<boolean> =>
      [...(await client.ask(round)).subarray(-4)].join(".") === `10.98.0.${round}`;
    await waitFor("the change to be answered", isNew, { everyMs: 1 });
    took.push(performance.now() - startedMs);
  }
  return took;
}
