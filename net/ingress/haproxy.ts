// Edge: the HAProxy process.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { serverName } from "./backend-text.js";
import type { IngressProxy, ServerChange } from "./ingress-proxy.js";
import { adminSocket, type ProxySite, type ProxyText, SOCKET_MARK } from "./proxy-text.js";
import { type BackendTraffic, readTraffic } from "./traffic.js";

/** What the real proxy needs. */
export interface HaproxyOptions {
  readonly site: ProxySite;
  /** File that requests are logged in. */
  readonly accessLog: string;
  readonly clock: Clock;
}

/** HAProxy, started for each text that no running process can be told of. What runs is read from the folder, so that the next agent finds it. */
export function haproxy(options: HaproxyOptions): IngressProxy {
  return new Haproxy(options);
}

/** The process that has the ports. */
interface Current {
  readonly pid: number;
  readonly digest: string;
  readonly socket: string;
}

class Haproxy implements IngressProxy {
  private readonly dir: string;
  private readonly accessLog: string;
  private readonly clock: Clock;

  constructor({ site, accessLog, clock }: HaproxyOptions) {
    this.dir = site.dir;
    this.accessLog = accessLog;
    this.clock = clock;
  }

  async running(): Promise<string | undefined> {
    trimLog(this.accessLog);
    return this.current()?.digest;
  }

  async start(text: ProxyText): Promise<void> {
    mkdirSync(this.dir, { recursive: true, mode: 0o700 });
    const former = this.current();
    const socket = this.freeSocket(text.digest);
    for (const [name, content] of text.files) this.write(name, content);
    this.write("haproxy.cfg", text.config.replaceAll(SOCKET_MARK, socket));
    const takeOver = former === undefined ? [] : ["-x", former.socket, "-sf", `${former.pid}`];
    const child = this.spawn(["-f", join(this.dir, "haproxy.cfg"), ...takeOver]);
    await this.answers(child, socket);
    this.write("current", JSON.stringify({ pid: child.pid, digest: text.digest, socket } satisfies Partial<Current>));
  }

  async objection(text: ProxyText, dir: string): Promise<string | undefined> {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    try {
      for (const [name, content] of text.files) writeIn(dir, name, content);
      writeIn(dir, "haproxy.cfg", text.config.replaceAll(SOCKET_MARK, join(dir, "admin.sock")));
      const words: Buffer[] = [];
      const child = spawn("haproxy", ["-c", "-f", join(dir, "haproxy.cfg")], { stdio: ["ignore", "ignore", "pipe"] });
      child.stderr.on("data", (piece: Buffer) => words.push(piece));
      const [code] = await once(child, "close");
      return code === 0 ? undefined : lastWords(Buffer.concat(words).toString("utf8")).replaceAll(`${dir}/`, "");
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  }

  async setServers(changes: readonly ServerChange[]): Promise<void> {
    const current = this.current();
    const commands = changes.flatMap(commandsOf);
    let refusal = "";
    for (const socket of this.sockets()) {
      for (let at = 0; at < commands.length; at += COMMANDS_AT_ONCE) {
        const answer = await ask(socket, commands.slice(at, at + COMMANDS_AT_ONCE).join(";")).catch(
          (error: unknown) => {
            if (socket === current?.socket) throw error;
            // Its process has ended with its last connection.
            rmSync(socket, { force: true });
            return "";
          },
        );
        if (socket === current?.socket) refusal ||= answer.split("\n").find((line) => REFUSED.test(line)) ?? "";
      }
    }
    if (refusal !== "") throw new TallshipError("kernel_failed", `haproxy: ${refusal.trim().slice(0, 500)}`);
  }

  async stop(): Promise<void> {
    const current = this.current();
    if (current !== undefined) process.kill(current.pid, "SIGUSR1");
    rmSync(join(this.dir, "current"), { force: true });
  }

  async traffic(): Promise<readonly BackendTraffic[]> {
    const socket = this.current()?.socket;
    return socket === undefined ? [] : readTraffic(await ask(socket, ONLY_BACKENDS));
  }

  private current(): Current | undefined {
    try {
      const current: Current = JSON.parse(readFileSync(join(this.dir, "current"), "utf8"));
      const words = readFileSync(`/proc/${current.pid}/cmdline`, "utf8").split("\0");
      const isOurs = words.includes(join(this.dir, "haproxy.cfg"));
      return isOurs ? current : undefined;
    } catch {
      return undefined;
    }
  }

  private sockets(): readonly string[] {
    return readdirSync(this.dir)
      .filter((name) => /^admin-.*\.sock$/.test(name))
      .map((name) => join(this.dir, name));
  }

  private freeSocket(digest: string): string {
    const taken = new Set(this.sockets());
    for (let serial = 0; ; serial += 1) {
      const socket = adminSocket(this.dir, digest, serial);
      if (!taken.has(socket)) return socket;
    }
  }

  private write(name: string, content: string): void {
    writeIn(this.dir, name, content);
  }

  private spawn(args: readonly string[]): ChildProcess {
    const log = openSync(this.accessLog, "a", 0o640);
    const words = openSync(join(this.dir, "words"), "w", 0o600);
    const child = spawn("haproxy", args, { detached: true, cwd: "/", stdio: ["ignore", log, words] });
    child.unref();
    for (const descriptor of [log, words]) closeSync(descriptor);
    return child;
  }

  /** Resolves when the process takes commands, which it does once it has the ports. */
  private async answers(child: ChildProcess, socket: string): Promise<void> {
    // What it said is read by whom it concerns: later, when it ends in its own time, its folder may be gone.
    let ended: (() => string) | undefined;
    child.once("error", (error) => {
      ended = () => error.message;
    });
    child.once("exit", (code) => {
      ended ??= () => `it ended with ${code ?? "a signal"}: ${this.lastWords()}`;
    });
    const untilMs = this.clock.monotonicMs() + limit("ingressStartMs");
    for (;;) {
      if (await ask(socket, "show version").catch(() => undefined)) return;
      if (ended !== undefined) throw new TallshipError("failed_precondition", `haproxy does not start: ${ended()}`);
      if (this.clock.monotonicMs() > untilMs) {
        child.kill("SIGKILL");
        throw new TallshipError("failed_precondition", `haproxy does not answer within ${limit("ingressStartMs")} ms`);
      }
      await this.clock.sleep(20, new AbortController().signal);
    }
  }

  private lastWords(): string {
    return lastWords(readFileSync(join(this.dir, "words"), "utf8"));
  }
}

/** What a process said that matters, in a line. */
function lastWords(said: string): string {
  const words = said
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("[NOTICE]"))
    .map((line) => line.replace(/^\[\w+\]\s*\(\d+\) : /, ""));
  return words.join("; ").slice(0, 500);
}

/** Whoever reads the file finds the old text or the new one, whole. */
function writeIn(dir: string, name: string, content: string): void {
  const fresh = join(dir, `${name}.new`);
  writeFileSync(fresh, content, { mode: 0o600 });
  renameSync(fresh, join(dir, name));
}

/** Statistics of any process, of backends, of any server. */
const ONLY_BACKENDS = "show stat -1 2 -1";

/** What it answers to a command that it does not carry out. */
const REFUSED = /No such|Unknown|Invalid|can't/i;

/** What fits into a buffer of the proxy. */
const COMMANDS_AT_ONCE = 64;

function commandsOf({ backend, at, address }: ServerChange): readonly string[] {
  const server = `${backend}/${serverName(at)}`;
  if (address === undefined) return [`set server ${server} state maint`];
  return [`set server ${server} addr ${address.ip} port ${address.port}`, `set server ${server} state ready`];
}

/** One line of commands, and all that is answered. */
function ask(socketPath: string, commands: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let answer = "";
    socket.setEncoding("utf8");
    socket.setTimeout(limit("ingressStartMs"), () => socket.destroy(new Error(`${socketPath}: no answer`)));
    socket.on("data", (text) => {
      answer += text;
    });
    socket.once("error", reject);
    socket.once("close", () => resolve(answer));
    socket.write(`${commands}\n`);
  });
}

/** The process appends to the file it was given: it is copied and emptied, never moved. */
function trimLog(path: string): void {
  try {
    if (statSync(path).size < limit("logFileBytes")) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  } catch {
    // There is none yet.
  }
}
