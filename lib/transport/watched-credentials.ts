import type { Socket } from "node:net";
import type { ChannelCredentials } from "@grpc/grpc-js";
import type { Clock } from "../clock.js";
import { LIMITS } from "../limits.js";

/** Credentials whose handshakes end, and how to end those that are under way. */
export interface WatchedCredentials {
  readonly credentials: ChannelCredentials;
  /** Whether the peer has taken a connection that is still open, however far it has come. */
  isTaken(): boolean;
  close(): void;
}

/**
 * grpc-js waits for a TLS handshake without end, and forgets its socket when the channel is closed: a peer that is frozen would hold the connection, and the process,
 * for ever. Here a handshake gets limits.handshakeMs and dies with the channel.
 */
export function watchHandshakes(credentials: ChannelCredentials, clock: Clock): WatchedCredentials {
  const underWay = new Set<Socket>();
  const taken = new Set<Socket>();
  const createConnector: ChannelCredentials["_createSecureConnector"] = (...options) => {
    const connector = credentials._createSecureConnector(...options);
    return {
      connect: async (socket) => {
        underWay.add(socket);
        taken.add(socket);
        socket.once("close", () => taken.delete(socket));
        const cancel = clock.after(LIMITS.handshakeMs.value, () =>
          socket.destroy(new Error("no TLS handshake in time")),
        );
        try {
          return await Promise.race([connector.connect(socket), ended(socket)]);
        } finally {
          cancel();
          underWay.delete(socket);
        }
      },
      waitForReady: () => connector.waitForReady(),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
    };
  };
  // An object that is the credentials in everything else: grpc-js asks for its class.
  const watched: ChannelCredentials = Object.create(credentials, {
    _createSecureConnector: { value: createConnector },
  });
  return {
    credentials: watched,
    isTaken: () => taken.size > 0,
    close: () => {
      for (const socket of underWay) socket.destroy(new Error("the channel was closed"));
    },
  };
}

/** Rejects when the socket has ended, which TLS above it does not always tell. */
function ended(socket: Socket): Promise<never> {
  return new Promise((_resolve, reject) => {
    socket.once("close", () => reject(new Error("the connection ended within the TLS handshake")));
    socket.once("error", reject);
  });
}
