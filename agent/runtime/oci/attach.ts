// Edge: the standard input of running containers.
import { spawn } from "node:child_process";
import { writeTo } from "../../child-session.js";
import type { InputSession } from "../runtime.js";

/**
 * Joins the standard input of the run in a bundle. Its monitor listens on a socket of packets, which Node cannot open: socat(1) does. What the
 * monitor sends back is dropped, since the log has it all, and from the beginning. The socket is named from its own folder: its whole path
 * may be longer than an address can be.
 */
export function startAttach(bundle: string): InputSession {
  const words = ["-t0.1", "STDIO", "UNIX-CONNECT:attach,type=5"];
  const child = spawn("socat", words, { cwd: bundle, stdio: ["pipe", "ignore", "ignore"] });
  child.on("error", () => undefined); // Without socat nothing can be sent; doctor says so.
  child.stdin.on("error", () => undefined); // The container has ended.
  return {
    write: (bytes) => writeTo(child, bytes),
    close: () => void child.stdin.end(),
  };
}
