// Edge: carries checks out on this machine.

import { connect } from "node:net";
import { assertNever, asTallshipError } from "../../lib/errors.js";
import { hostPort } from "../../lib/host-port.js";
import { limit } from "../../lib/limits.js";
import { Slots } from "../../lib/slots.js";
import type { ContainerKey, Runtime } from "../runtime/runtime.js";
import type { Check, CheckResult, CheckTarget, PerformCheck } from "./check.js";
import { checkGrpc } from "./grpc-check.js";
import { checkHttp } from "./http-check.js";

/**
 * Network checks go from the node to the pod's address, as in Kubernetes, and need no process. Commands go through the runtime, a few at a
 * time.
 */
export function performCheck(runtime: Pick<Runtime, "exec">): PerformCheck {
  const slots = new Slots(limit("execChecks"));
  return async (podUid, check, signal) => {
    const { container, attempt, target } = check;
    try {
      if (target.is !== "exec") return await overNetwork(target, signal);
      const key = { podUid, container, attempt };
      return await slots.run(signal, () => checkExec(runtime, { key, command: target.command }, signal));
    } catch (error) {
      return { isPassed: false, message: failureText(check, asTallshipError(error).message) };
    }
  };
}

async function overNetwork(target: Exclude<CheckTarget, { is: "exec" }>, signal: AbortSignal): Promise<CheckResult> {
  switch (target.is) {
    case "http":
      return checkHttp(target, signal);
    case "tcp":
      return checkTcp(target, signal);
    case "grpc":
      return checkGrpc(target, signal);
    case "sleep":
      return { isPassed: true, message: "" };
    case "impossible":
      return { isPassed: false, message: target.message };
    default:
      return assertNever(target);
  }
}

function checkTcp({ host, port }: Extract<CheckTarget, { is: "tcp" }>, signal: AbortSignal): Promise<CheckResult> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve({ isPassed: true, message: "" });
    });
  });
}

/** Its exit code decides; what it has written is the message. Ended with SIGKILL when the signal aborts. */
async function checkExec(
  runtime: Pick<Runtime, "exec">,
  { key, command }: { readonly key: ContainerKey; readonly command: readonly string[] },
  signal: AbortSignal,
): Promise<CheckResult> {
  const session = await runtime.exec(key, { command, hasTerminal: false, hasStdin: false, size: undefined });
  const cancel = (): void => session.cancel();
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const part of session.output) {
    if (part.is === "exit") {
      const output = Buffer.concat(pieces).subarray(0, limit("checkMessageBytes")).toString("utf8").trim();
      const isPassed = part.exitCode === 0;
      return { isPassed, message: isPassed || output !== "" ? output : `the command ended with ${part.exitCode}` };
    }
    if (size < limit("checkMessageBytes")) pieces.push(Buffer.from(part.bytes));
    size += part.bytes.length;
  }
  return { isPassed: false, message: "the command ended without an exit code" };
}

/** As a Kubernetes user reads it, with the address that did not answer. */
function failureText({ target }: Check, message: string): string {
  if (target.is === "http")
    return `Get "${target.scheme.toLowerCase()}://${hostPort(target.host, target.port)}${target.path}": ${message}`;
  if (target.is === "tcp" || target.is === "grpc") return `dial tcp ${hostPort(target.host, target.port)}: ${message}`;
  return message;
}
