// Edge: asks the health service of a container over gRPC.

import { connect } from "node:http2";
import { TallshipError } from "../../lib/errors.js";
import { hostPort } from "../../lib/host-port.js";
import type { CheckResult, CheckTarget } from "./check.js";

const SERVING = 1;
const STATUS_NAMES = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/**
 * Calls grpc.health.v1.Health/Check without TLS and passes on SERVING. Spoken directly over HTTP/2: one call needs none of what a channel
 * keeps up, and a channel per probe would be the largest thing of the agent.
 */
export function checkGrpc(
  { host, port, service }: Extract<CheckTarget, { is: "grpc" }>,
  signal: AbortSignal,
): Promise<CheckResult> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${hostPort(host, port)}`);
    const fail = (error: Error): void => {
      session.destroy();
      reject(error);
    };
    signal.addEventListener("abort", () => session.destroy(), { once: true });
    session.once("error", fail);
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
      "user-agent": "tallship-probe",
    });
    let grpcStatus: string | undefined;
    const note = (headers: Readonly<Record<string, unknown>>): void => {
      if (headers["grpc-status"] !== undefined) grpcStatus = String(headers["grpc-status"]);
    };
    const pieces: Buffer[] = [];
    stream.once("response", note);
    stream.once("trailers", note);
    stream.on("data", (piece: Buffer) => pieces.push(piece));
    stream.once("error", fail);
    stream.once("close", () => {
      session.close();
      resolve(verdictOf(grpcStatus, Buffer.concat(pieces)));
    });
    stream.end(requestFrame(service));
  });
}

function verdictOf(grpcStatus: string | undefined, body: Buffer): CheckResult {
  if (grpcStatus === "12")
    return {
      isPassed: false,
      message: "this server does not implement the grpc health protocol (grpc.health.v1.Health)",
    };
  if (grpcStatus !== "0")
    return { isPassed: false, message: `health rpc failed with status ${grpcStatus ?? "unknown"}` };
  const status = servingStatus(body);
  if (status === SERVING) return { isPassed: true, message: "" };
  return { isPassed: false, message: `service unhealthy (responded with "${STATUS_NAMES[status] ?? status}")` };
}

/** HealthCheckRequest{service = 1}, behind gRPC's five bytes of flag and length. */
function requestFrame(service: string): Buffer {
  const name = Buffer.from(service);
  if (name.length > 127 * 128)
    throw new TallshipError("invalid_argument", "grpc probe: the service's name is too long");
  const length = name.length < 128 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
  const message = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** HealthCheckResponse{status = 1}; 0 when it is absent. */
function servingStatus(body: Buffer): number {
  const message = body.subarray(5);
  return message[0] === 0x08 ? (message[1] ?? 0) : 0;
}
