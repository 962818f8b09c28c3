// Edge: sockets.
import type { TLSSocket } from "node:tls";
import type { Cancel, Clock } from "../clock.js";
import { limit } from "../limits.js";
import type { Log } from "../log.js";

/** The connections of a listener that are open. Once they are dropped every later one is cut too. */
export class OpenConnections {
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly open = new Set<TLSSocket>();
  /** Bytes that a pinged peer had sent by the last look; one that was not looked at yet has none. */
  private readonly heard = new Map<TLSSocket, number>();
  private isDropped = false;
  private cancelLook: Cancel | undefined;

  constructor(clock: Clock, log: Log) {
    this.clock = clock;
    this.log = log;
  }

  /** False when the connection was cut instead. */
  add(socket: TLSSocket): boolean {
    if (this.isDropped) {
      socket.destroy();
      return false;
    }
    this.open.add(socket);
    socket.once("close", () => {
      this.open.delete(socket);
      this.heard.delete(socket);
    });
    return true;
  }

  /**
   * Cuts the connection when nothing came from its peer for limits.silentPeerMs. For peers that are pinged and so are never silent: grpc-js answers a lost
   * ping by closing the session politely, which waits for streams that can no longer end.
   */
  cutWhenSilent(socket: TLSSocket): void {
    this.heard.set(socket, -1);
    this.cancelLook ??= this.clock.after(limit("silentPeerMs"), () => this.look());
  }

  /** Cuts all. */
  drop(): void {
    this.isDropped = true;
    this.cancelLook?.();
    for (const socket of this.open) socket.destroy();
  }

  private look(): void {
    for (const [socket, bytes] of this.heard) {
      if (socket.bytesRead !== bytes) {
        this.heard.set(socket, socket.bytesRead);
        continue;
      }
      this.log.info("connection closed: its peer is silent", { peer: socket.remoteAddress });
      socket.destroy();
    }
    this.cancelLook = this.heard.size === 0 ? undefined : this.clock.after(limit("silentPeerMs"), () => this.look());
  }
}
