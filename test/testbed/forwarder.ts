import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { waitFor } from "../kit/wait.js";

/** One listening socket on the machine's loopback and where its connections go on a host. */
export interface Forward {
  readonly netns: string;
  readonly target: { readonly host: string; readonly port: number };
  /** Port to listen on; 0: any. */
  readonly listenPort: number;
}

/**
 * Lets programs of the machine reach a host without touching the machine's network: the socket is opened here on 127.0.0.1
 * and handed to a process that lives in the host's namespace. Returns the port and the process, which outlives this one.
 */
export async function startForwarder(
  forward: Forward,
  program: string,
): Promise<{ readonly port: number; readonly pid: number }> {
  const server = createServer();
  server.listen(forward.listenPort, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("forwarder: no port");
  const child = spawn(
    "nsenter",
    [
      `--net=/run/netns/${forward.netns}`,
      process.execPath,
      program,
      "forward",
      `${forward.target.host}:${forward.target.port}`,
    ],
    {
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    },
  );
  let isReady = false;
  child.on("message", () => {
    isReady = true;
  });
  child.send("listen", server);
  await waitFor("the forwarder to listen", () => isReady);
  child.disconnect();
  child.unref();
  server.close();
  if (child.pid === undefined) throw new Error("forwarder: no process");
  return { port: address.port, pid: child.pid };
}

/** The forwarder's process: takes the socket from its parent and pipes each connection to the target, in its own namespace. */
export function runForwarder(target: string): void {
  const [host = "", port = ""] = target.split(":");
  process.once("message", (_message: unknown, handle: unknown) => {
    // The parent sends nothing else.
    const server = handle as Server;
    server.on("connection", (near) => {
      // Both ends pass on at once what comes: else the end of an answer waits 40 ms for the delayed acknowledgement of its beginning.
      const far = connect({ host, port: Number(port), noDelay: true });
      near.setNoDelay(true);
      near.pipe(far).pipe(near);
      near.on("error", () => far.destroy());
      far.on("error", () => near.destroy());
    });
    process.send?.("ready");
  });
}
