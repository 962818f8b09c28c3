import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasCode } from "../../lib/errors.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { type RealEtcd, startEtcd } from "../../test/kit/etcd.js";
import { EtcdConnection } from "./etcd-connection.js";

let etcd: RealEtcd;
let door: Server;
let connectionCount = 0;

beforeAll(async () => {
  etcd = await startEtcd();
  const [host = "", port = ""] = etcd.endpoint.split(":");
  door = createServer((socket) => {
    connectionCount += 1;
    const inner = connect(Number(port), host);
    for (const each of [socket, inner]) each.on("error", () => socket.destroy());
    socket.pipe(inner).pipe(socket);
    socket.on("close", () => inner.destroy());
  });
  door.listen(0, "127.0.0.1");
  await once(door, "listening");
});
afterAll(async () => {
  door.close();
  await etcd.remove();
});

test("a call that fails costs no other its connection: streams and calls go on where they were", async () => {
  const address = door.address();
  const endpoint = typeof address === "object" ? `127.0.0.1:${address?.port}` : "";
  const connection = new EtcdConnection({ endpoints: () => [endpoint] }, systemClock, silentLog);
  try {
    const stream = await connection.endpoint().client.watch.watch();
    const answers: unknown[] = [];
    stream.on("error", () => undefined);
    stream.on("data", (answer) => answers.push(answer));
    const read = (deadline: number) =>
      connection.call("read", (client) => client.kv.range({ key: Buffer.from("/x") }, { deadline }));
    await read(Date.now() + 10_000);
    // One of each service that was called.
    await expect.poll(() => connectionCount).toBe(2);
    for (let times = 0; times < 5; times += 1)
      await expect(read(1)).rejects.toSatisfy((error) => hasCode(error, "deadline_exceeded"));
    await read(Date.now() + 10_000);
    stream.write({ create_request: { key: Buffer.from("/x") } });
    await expect.poll(() => answers.length, { timeout: 10_000 }).toBeGreaterThan(0);
    stream.cancel();
    expect(connectionCount).toBe(2);
  } finally {
    connection.close();
  }
});
