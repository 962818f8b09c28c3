// Edge: sockets and lines, for a process of its own inside of a namespace.
import { createSocket } from "node:dgram";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";

const LINE_FEED = 10;

/** What a probe is told to do. */
export type ProbeCommand =
  | { readonly do: "serve"; readonly protocol: "tcp" | "udp"; readonly port: number; readonly address: string }
  | {
      readonly do: "ask";
      readonly protocol: "tcp" | "udp";
      readonly host: string;
      readonly port: number;
      /** Bytes sent, and sent back. */
      readonly bytes: number;
      readonly timeoutMs: number;
      /** Local port; 0: any. */
      readonly fromPort: number;
      /** Local address; empty: any. */
      readonly from: string;
    }
  | { readonly do: "open"; readonly host: string; readonly port: number }
  | { readonly do: "talk"; readonly timeoutMs: number }
  | {
      readonly do: "exchange";
      readonly protocol: "tcp" | "udp";
      readonly host: string;
      readonly port: number;
      /** Bytes sent, in hexadecimal; the first that come back are the answer, in the same form. */
      readonly hex: string;
      readonly timeoutMs: number;
    };

/** A numbered command, and its answer under the same number. */
export interface ProbeLine {
  readonly id: number;
  readonly command: ProbeCommand;
}

/** `text` is who answered and who it saw asking, `name address`; or an error code such as ECONNREFUSED or TIMEOUT. */
export interface ProbeAnswer {
  readonly id: number;
  readonly text: string;
}

/** Serves and asks as it is told by lines on standard input, until that ends. */
export function runProbe(name: string): void {
  createInterface({ input: process.stdin })
    .on("line", (line) => {
      // A parser: the test's side of the pipe is typed.
      const { id, command } = JSON.parse(line) as ProbeLine;
      const answer = (text: string): void => void process.stdout.write(`${JSON.stringify({ id, text })}\n`);
      carryOut(name, command).then(answer, (error: unknown) => answer(codeOf(error)));
    })
    .on("close", () => process.exit(0));
}

function carryOut(name: string, command: ProbeCommand): Promise<string> {
  switch (command.do) {
    case "serve":
      return serve(name, command);
    case "ask":
      return ask(command);
    case "open":
      return open(command);
    case "talk":
      return talk(command.timeoutMs);
    default:
      return exchange(command);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

function greeting(name: string, peer: string, bytes: number): Buffer {
  const text = Buffer.from(`${name} ${peer.replace("::ffff:", "")}\n`);
  return Buffer.concat([text, Buffer.alloc(Math.max(0, bytes - text.length), ".")]);
}

function serve(name: string, { protocol, port, address }: ProbeCommand & { readonly do: "serve" }): Promise<string> {
  return new Promise((resolve, reject) => {
    if (protocol === "udp") {
      const socket = createSocket(kindOf(address));
      socket.on("message", (message, peer) =>
        socket.send(greeting(name, peer.address, message.length), peer.port, peer.address),
      );
      socket.once("error", reject);
      socket.bind(port, address, () => resolve("serving"));
      return;
    }
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      let bytes = 0;
      socket.on("data", (piece) => {
        bytes += piece.length;
        if (piece.length === 1 && piece[0] === LINE_FEED) socket.write("\n");
      });
      socket.on("end", () => socket.end(greeting(name, socket.remoteAddress ?? "", bytes)));
      socket.on("error", () => socket.destroy());
    });
    server.once("error", reject);
    server.listen(port, address, () => resolve("serving"));
  });
}

/** A socket of IPv6 at :: hears both families. */
function kindOf(address: string): "udp4" | "udp6" {
  return address.includes(":") ? "udp6" : "udp4";
}

function ask(command: ProbeCommand & { readonly do: "ask" }): Promise<string> {
  return command.protocol === "udp" ? askUdp(command) : askTcp(command);
}

function askUdp({
  host,
  port,
  bytes,
  timeoutMs,
  fromPort,
  from,
}: ProbeCommand & { readonly do: "ask" }): Promise<string> {
  return new Promise((resolve) => {
    const socket = createSocket(kindOf(host));
    const done = (text: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(text);
    };
    const timer = setTimeout(() => done("TIMEOUT"), timeoutMs);
    socket.on("error", (error) => done(codeOf(error)));
    socket.on("message", (message) => done(checked(message, bytes)));
    socket.bind(fromPort, from === "" ? undefined : from, () => {
      socket.connect(port, host, () => socket.send(Buffer.alloc(bytes, "?")));
    });
  });
}

function askTcp({
  host,
  port,
  bytes,
  timeoutMs,
  fromPort,
  from,
}: ProbeCommand & { readonly do: "ask" }): Promise<string> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const local = {
      ...(fromPort === 0 ? {} : { localPort: fromPort }),
      ...(from === "" ? {} : { localAddress: from }),
    };
    const socket = connect({ host, port, ...local });
    const done = (text: string): void => {
      socket.destroy();
      resolve(text);
    };
    socket.setTimeout(timeoutMs, () => done("TIMEOUT"));
    socket.on("error", (error) => done(codeOf(error)));
    socket.on("data", (piece) => pieces.push(piece));
    socket.on("end", () => done(checked(Buffer.concat(pieces), bytes)));
    socket.end(Buffer.alloc(bytes, "?"));
  });
}

let opened: Socket | undefined;

function open({ host, port }: ProbeCommand & { readonly do: "open" }): Promise<string> {
  return new Promise((resolve, reject) => {
    opened?.destroy();
    const socket = connect({ host, port }, () => resolve("open"));
    socket.once("error", reject);
    opened = socket;
  });
}

/** The server echoes what comes on a line of its own. */
function talk(timeoutMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = opened;
    if (socket === undefined) return resolve("CLOSED");
    const done = (text: string): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => socket.destroy());
      // An answer that comes after its time is none to what is said next.
      socket.on("data", () => undefined);
      resolve(text);
    };
    const timer = setTimeout(() => done("TIMEOUT"), timeoutMs);
    socket.once("error", (error) => done(codeOf(error)));
    socket.once("close", () => done("ECONNRESET"));
    socket.once("data", () => done("TALKED"));
    socket.write("\n");
  });
}

function exchange({
  protocol,
  host,
  port,
  hex,
  timeoutMs,
}: ProbeCommand & { readonly do: "exchange" }): Promise<string> {
  const bytes = Buffer.from(hex, "hex");
  return new Promise((resolve) => {
    if (protocol === "tcp") {
      const stream = connect({ host, port }, () => stream.write(bytes));
      const done = (text: string): void => {
        stream.destroy();
        resolve(text);
      };
      stream.setTimeout(timeoutMs, () => done("TIMEOUT"));
      stream.once("error", (error) => done(codeOf(error)));
      stream.once("data", (answer) => done(answer.toString("hex")));
      return;
    }
    const socket = createSocket(kindOf(host));
    const timer = setTimeout(() => done("TIMEOUT"), timeoutMs);
    const done = (text: string): void => {
      clearTimeout(timer);
      socket.close();
      resolve(text);
    };
    socket.once("error", (error) => done(codeOf(error)));
    socket.once("message", (answer) => done(answer.toString("hex")));
    socket.connect(port, host, () => socket.send(bytes));
  });
}

function checked(answer: Buffer, bytes: number): string {
  if (answer.length < bytes) return `SHORT ${answer.length}`;
  return answer.toString("latin1", 0, answer.indexOf("\n"));
}
