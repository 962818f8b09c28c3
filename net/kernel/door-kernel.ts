// Edge: programs that listen at the host's ::1 and lead what comes to pods, by socat.
import { limit } from "../../lib/limits.js";
import type { CoProcess } from "./co-process.js";
import type { LoopbackDoor, RefusedDoor } from "./kernel.js";
import { sectionMark, sections } from "./shell-script.js";

/** Times 50 ms that a program has to listen, and to end. */
const TRIES = 40;

/** Seconds that the other half of a connection lives on when one half is closed; and after which clients of UDP are forgotten. */
const HALF_CLOSED_S = 86_400;
const SILENT_UDP_S = 120;

/**
 * The programs are in sessions of their own, so that they outlive the agent, whose successor finds them by their files: each has the process's number, its command line, and
 * the door. A file whose process is another's by now counts for nothing.
 */
export class DoorKernel {
  private readonly shell: CoProcess;
  private readonly dir: string;

  constructor(shell: CoProcess, runDir: string) {
    this.shell = shell;
    this.dir = `${runDir}/doors`;
  }

  async read(): Promise<readonly LoopbackDoor[]> {
    const script = [
      `for file in ${this.dir}/*.door; do [ -e "$file" ] || continue`,
      '{ read -r pid; IFS= read -r line; read -r door; } < "$file"',
      `[ "$(${commandOf("$pid")})" = "$line" ] && echo "$door"; done; true`,
    ];
    const answer = await this.shell.request(script.join("\n"));
    return answer.split("\n").flatMap((line) => doorIn(line) ?? []);
  }

  /** Begins to listen; returns the doors that cannot be opened. */
  async open(doors: readonly LoopbackDoor[]): Promise<readonly RefusedDoor[]> {
    const lines = doors.flatMap((door, at) => [sectionMark(`${at}`), this.opening(door)]);
    const answers = sections(await this.shell.request([`mkdir -p ${this.dir}`, ...lines].join("\n")));
    return doors.flatMap((door, at) => {
      const answer = answers.get(`${at}`)?.trim();
      return answer === "open" ? [] : [{ ...door, isTaken: answer === "taken" }];
    });
  }

  /** Ends the programs, with the connections that pass them; nobody listens any more when it returns. */
  async close(doors: readonly LoopbackDoor[]): Promise<void> {
    const lines = doors.map((door) => {
      const file = this.fileOf(door);
      const isOurs = `[ "$(${commandOf("$pid")})" = "$line" ]`;
      return `if [ -e ${file} ]; then { read -r pid; IFS= read -r line; } < ${file}; ${isOurs} && kill -- -$pid; ${untilNot(listening(door))}; rm -f ${file} ${this.logOf(door)}; fi`;
    });
    await this.shell.request(`{ ${lines.join("; ")}; } 2>/dev/null; true`);
  }

  private opening(door: LoopbackDoor): string {
    const file = this.fileOf(door);
    const command = this.commandFor(door);
    const isTaken = listening(door);
    return [
      `if ${isTaken}; then echo taken; else`,
      `ln -sf /dev/null ${this.logOf(door)}`,
      `setsid ${command} </dev/null >/dev/null 2>&1 &`,
      `pid=$!; tries=0; while [ $tries -lt ${TRIES} ] && kill -0 $pid 2>/dev/null && ! ${isTaken}; do sleep 0.05; tries=$((tries+1)); done`,
      `if kill -0 $pid 2>/dev/null && ${isTaken}; then`,
      `printf '%s\\n' "$pid" "$(${commandOf("$pid")})" '${textOf(door)}' > ${file}; echo open`,
      "else kill $pid 2>/dev/null; echo failed; fi; fi",
    ].join("\n");
  }

  /** Its log is below the run folder: so whoever cleans the host knows whose it is. */
  private commandFor(door: LoopbackDoor): string {
    const { protocol, port, address, toPort } = door;
    const log = `-lf ${this.logOf(door)}`;
    const name = protocol.toUpperCase();
    const life = protocol === "tcp" ? `-t ${HALF_CLOSED_S}` : `-T ${SILENT_UDP_S}`;
    const listen = `bind=[::1],ipv6only=1,reuseaddr,max-children=${limit("doorConnections")},fork`;
    return `socat ${log} ${life} '${name}6-LISTEN:${port},${listen}' '${name}4:${address}:${toPort}'`;
  }

  /** Leads nowhere: there would be a line for each connection that the pod does not take, in the host's memory, and nobody reads them. */
  private logOf({ protocol, port }: LoopbackDoor): string {
    return `${this.dir}/${protocol}-${port}.log`;
  }

  private fileOf({ protocol, port }: LoopbackDoor): string {
    return `${this.dir}/${protocol}-${port}.door`;
  }
}

function untilNot(claim: string): string {
  return `tries=0; while [ $tries -lt ${TRIES} ] && ${claim}; do sleep 0.05; tries=$((tries+1)); done`;
}

function commandOf(pid: string): string {
  return `tr '\\0' ' ' < /proc/${pid}/cmdline 2>/dev/null`;
}

/** Whether somebody has the port of ::1, by the kernel's own list. */
function listening({ protocol, port }: LoopbackDoor): string {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  const state = protocol === "tcp" ? " 0*:0000 0A" : " ";
  return `grep -q '00000000000000000000000001000000:${hex}${state}' /proc/net/${protocol}6`;
}

function textOf({ protocol, port, address, toPort }: LoopbackDoor): string {
  return `${protocol} ${port} ${address} ${toPort}`;
}

function doorIn(line: string): LoopbackDoor | undefined {
  const [, protocol, port, address = "", toPort] = /^(tcp|udp) (\d+) ([\d.]+) (\d+)$/.exec(line.trim()) ?? [];
  if (protocol !== "tcp" && protocol !== "udp") return undefined;
  return { protocol, port: Number(port), address, toPort: Number(toPort) };
}
