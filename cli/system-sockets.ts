// Edge: ports of the user's machine.
import { createServer, type Socket } from "node:net";
import { TallshipError } from "../lib/errors.js";
import type { LocalConnection } from "./shell.js";

/** Listens; rejects when the address is not this machine's or the port is taken. */
export function listenOn(
  { address, port }: { readonly address: string; readonly port: number },
  serve: (connection: LocalConnection) => void,
): Promise<{ readonly port: number; close(): void }> {
  const open = new Set<Socket>();
  // A side that has sent all still wants its answer.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    serve(connectionOf(socket, socket.localPort ?? port));
  });
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new TallshipError("failed_precondition", `listen on ${address}:${port}: ${cause.message}`, { cause })),
    );
    server.listen({ host: address, port }, () => {
      const bound = server.address();
      const close = (): void => {
        server.close();
        for (const socket of open) socket.destroy();
      };
      resolve({ port: typeof bound === "object" && bound !== null ? bound.port : port, close });
    });
  });
}

function connectionOf(socket: Socket, port: number): LocalConnection {
  socket.on("error", () => undefined); // Told as closed.
  return {
    port,
    chunks: async function* () {
      try {
        for await (const bytes of socket.iterator({ destroyOnReturn: false })) yield bytes;
      } catch {
        return; // It broke: told as closed.
      }
    },
    write: (bytes) =>
      new Promise((resolve) => {
        if (socket.destroyed || socket.write(bytes)) return resolve();
        socket.once("drain", resolve);
        socket.once("close", () => resolve());
      }),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    onClosed: (call) => void socket.once("close", call),
  };
}
