import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { checkGrpc } from "./grpc-check.js";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.forceShutdown();
});

const same = (bytes: Buffer): Buffer => bytes;
const health = {
  check: {
    path: "/grpc.health.v1.Health/Check",
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
};

/** A gRPC server that answers the services of this table; what is not in it is not found. */
async function serving(states: Readonly<Record<string, number>>, hasHealth = true): Promise<number> {
  const server = new Server();
  servers.push(server);
  if (hasHealth)
    server.addService(health, {
      check: (call: { request: Buffer }, reply: (error: object | null, bytes?: Buffer) => void) => {
        const state = states[call.request.subarray(2).toString()];
        if (state === undefined) reply({ code: status.NOT_FOUND });
        else reply(null, Buffer.from([0x08, state]));
      },
    });
  return new Promise((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
}

const ask = (port: number, service: string) =>
  checkGrpc({ is: "grpc", host: "127.0.0.1", port, service }, new AbortController().signal);

test("a gRPC probe passes on SERVING only, for the service that it names", async () => {
  const port = await serving({ "": 1, sick: 2 });
  expect(await ask(port, "")).toEqual({ isPassed: true, message: "" });
  expect(await ask(port, "sick")).toMatchObject({ isPassed: false, message: expect.stringContaining("NOT_SERVING") });
  expect(await ask(port, "none")).toMatchObject({ isPassed: false, message: expect.stringContaining("status 5") });
});

test("a server without the health service is told as such, and none at all is an error", async () => {
  const port = await serving({}, false);
  expect((await ask(port, "")).message).toContain("does not implement the grpc health protocol");
  await expect(ask(1, "")).rejects.toThrow("ECONNREFUSED");
});
