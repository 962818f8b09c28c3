// Edge: UDP and TCP sockets for probes.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket as Stream } from "node:net";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { PeerAddresses } from "./path-evidence.js";
import type { TcpOutcome } from "./peer-view.js";
import type { Path, Way } from "./probe-packet.js";
import type { ProbeEnd, ProbeReceiver, ProbeWire } from "./probe-wire.js";

/** Milliseconds that a connection may take in all. */
const CONNECT_MS = 3_000;

interface Ends {
  readonly socket: Socket;
  /** Absent where no connections are taken. */
  readonly server: Server | undefined;
  readonly address: string;
}

/** The sockets of this network namespace. */
export function socketWire(clock: Clock): ProbeWire {
  return new SocketWire(clock);
}

class SocketWire implements ProbeWire {
  private readonly clock: Clock;
  private readonly ends = new Map<Way, Ends>();
  private readonly streams = new Set<Stream>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  async open(addresses: PeerAddresses, port: number, receiver: ProbeReceiver): Promise<void> {
    for (const way of ["underlay", "overlay", "ipv6"] as const) {
      const address = addresses[way];
      if (this.ends.has(way) || address === undefined) continue;
      const socket = createSocket(way === "ipv6" ? "udp6" : "udp4");
      const server = way === "ipv6" ? undefined : createServer((stream) => this.serve(stream, way, receiver));
      try {
        socket.bind(port, address);
        await once(socket, "listening");
        server?.listen(port, address);
        if (server !== undefined) await once(server, "listening");
      } catch (error) {
        socket.close();
        server?.close();
        throw new TallshipError(
          "unavailable",
          `listen for probes at ${address}:${port}: ${asTallshipError(error).message}`,
          { cause: error },
        );
      }
      socket.on("message", (bytes, from) => receiver.packet(way, bytes, from));
      // A device that goes takes its address along; it comes back, and the sockets are as good as before.
      socket.on("error", () => undefined);
      server?.on("error", () => undefined);
      this.ends.set(way, { socket, server, address });
    }
  }

  send(way: Way, { address, port }: ProbeEnd, bytes: Buffer): void {
    this.ends.get(way)?.socket.send(bytes, port, address, () => undefined);
  }

  connect(path: Path, to: ProbeEnd, bytes: Buffer): Promise<{ outcome: TcpOutcome; answer?: Buffer }> {
    const stream = connect({ host: to.address, port: to.port, localAddress: this.ends.get(path)?.address ?? "" });
    this.streams.add(stream);
    let isConnected = false;
    return new Promise<{ outcome: TcpOutcome; answer?: Buffer }>((resolve) => {
      const cancel = this.clock.after(CONNECT_MS, () => settle(isConnected ? "stalled" : "silent"));
      const settle = (outcome: TcpOutcome, answer?: Buffer): void => {
        cancel();
        stream.destroy();
        this.streams.delete(stream);
        resolve({ outcome, ...(answer && { answer }) });
      };
      stream.on("connect", () => {
        isConnected = true;
        stream.write(framed(bytes));
      });
      gather(stream, (answer) => settle("passed", answer));
      stream.on("error", (error) => settle(isRefusal(error) ? "refused" : isConnected ? "stalled" : "silent"));
      stream.on("close", () => settle(isConnected ? "stalled" : "silent"));
    });
  }

  /** Ended by a reset: no end of it is kept for a minute, at either side. */
  knock(path: Path, to: ProbeEnd): Promise<TcpOutcome> {
    const stream = connect({ host: to.address, port: to.port, localAddress: this.ends.get(path)?.address ?? "" });
    return new Promise((resolve) => {
      const cancel = this.clock.after(CONNECT_MS, () => settle("silent"));
      const settle = (outcome: TcpOutcome): void => {
        cancel();
        stream.resetAndDestroy();
        resolve(outcome);
      };
      stream.on("connect", () => settle("passed"));
      stream.on("error", (error) => settle(isRefusal(error) ? "refused" : "silent"));
    });
  }

  close(): void {
    for (const { socket, server } of this.ends.values()) {
      socket.close();
      server?.close();
    }
    for (const stream of this.streams) stream.destroy();
    this.ends.clear();
  }

  private serve(stream: Stream, path: Path, receiver: ProbeReceiver): void {
    const address = stream.remoteAddress ?? "";
    if (this.streams.size >= limit("probeConnections") || !receiver.mayConnect(path, address)) {
      stream.destroy();
      return;
    }
    this.streams.add(stream);
    const cancel = this.clock.after(CONNECT_MS, () => stream.destroy());
    stream.on("error", () => undefined);
    stream.on("close", () => {
      cancel();
      this.streams.delete(stream);
    });
    gather(stream, (bytes) => {
      const answer = receiver.request(path, bytes, address);
      if (answer === undefined) stream.destroy();
      else stream.end(framed(answer));
    });
  }
}

const LENGTH_BYTES = 4;

function framed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Takes the first frame of a stream; what is longer than a probe's ends the stream. */
function gather(stream: Stream, take: (bytes: Buffer) => void): void {
  let held = Buffer.alloc(0);
  stream.on("data", (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    if (held.length < LENGTH_BYTES) return;
    const length = held.readUInt32BE();
    if (length > limit("probeTcpBytes") || held.length > LENGTH_BYTES + length) stream.destroy();
    else if (held.length === LENGTH_BYTES + length) take(held.subarray(LENGTH_BYTES));
  });
}

function isRefusal(error: Error): boolean {
  return "code" in error && (error.code === "ECONNREFUSED" || error.code === "ECONNRESET");
}
