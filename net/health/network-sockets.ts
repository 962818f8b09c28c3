// Edge: UDP sockets for probes on networks beside the cluster's own.
import { createSocket, type Socket } from "node:dgram";
import { familyOf } from "../family.js";
import type { NetworkReceiver, NetworkWire } from "./network-wire.js";
import type { ProbeEnd } from "./probe-wire.js";

/** The sockets of this network namespace, one for each address. */
export function networkSockets(): NetworkWire {
  return new NetworkSockets();
}

class NetworkSockets implements NetworkWire {
  private readonly sockets = new Map<string, Socket>();

  listen(addresses: readonly string[], port: number, receive: NetworkReceiver): void {
    for (const [address, socket] of this.sockets) {
      if (addresses.includes(address)) continue;
      this.sockets.delete(address);
      socket.close();
    }
    for (const address of addresses) if (!this.sockets.has(address)) this.open(address, port, receive);
  }

  send(from: string, { address, port }: ProbeEnd, bytes: Buffer): void {
    this.sockets.get(from)?.send(bytes, port, address, () => undefined);
  }

  close(): void {
    for (const socket of this.sockets.values()) socket.close();
    this.sockets.clear();
  }

  /** The address may not be on its device yet: then there is no socket until it is asked for again. */
  private open(address: string, port: number, receive: NetworkReceiver): void {
    const socket = createSocket(familyOf(address) === "IPv6" ? "udp6" : "udp4");
    let isBound = false;
    this.sockets.set(address, socket);
    socket.on("message", (bytes, from) => receive(address, bytes, from));
    socket.on("error", () => {
      if (isBound || this.sockets.get(address) !== socket) return;
      this.sockets.delete(address);
      socket.close();
    });
    socket.bind(port, address, () => {
      isBound = true;
    });
  }
}
