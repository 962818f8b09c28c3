import { EventEmitter } from "node:events";
import type { ServerHttp2Session } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import { LIMITS } from "../limits.js";

/**
 * Lets peers send as far ahead to a server as servers may to them. grpc-js has an option for clients and none for servers, which begin with 64 KiB for all
 * streams of a connection together: a node that sends a flooded log waits for the server at nearly each message, on a busy machine until that gets its turn. Does
 * nothing where a later grpc-js keeps its HTTP/2 servers elsewhere.
 */
export function widenReceiveWindow(server: Server): void {
  const servers: unknown = Reflect.get(server, "http2Servers");
  if (!(servers instanceof Map)) return;
  for (const http2 of servers.keys()) if (http2 instanceof EventEmitter) http2.on("session", widen);
}

function widen(session: ServerHttp2Session): void {
  const bytes = LIMITS.flowControlWindowBytes.value;
  session.settings({ initialWindowSize: bytes });
  session.setLocalWindowSize(bytes);
}
