import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { joinHost } from "../agent/host/join.js";
import { joinCluster } from "../agent/host/join-client.js";
import { encodeObject } from "../kinds/object.js";
import { checkContextFile } from "../lib/context-file.js";
import type { HostConfig } from "../lib/host-config.js";
import { type HostPaths, hostPaths } from "../lib/host-paths.js";
import { hostPort } from "../lib/host-port.js";
import { silentLog } from "../lib/log.js";
import { systemClock } from "../lib/system-clock.js";
import { systemRng } from "../lib/system-rng.js";
import { mutableCredentials } from "../lib/transport/credentials.js";
import { grpcDialer } from "../lib/transport/grpc-dialer.js";
import type { Channel } from "../lib/transport/service.js";
import {
  ClusterDefinition,
  CreateTokenRequest,
  GetRequest,
  InfoRequest,
  ListTokensRequest,
  ObjectsDefinition,
} from "../proto/gen/tallship/v1/api.js";
import { Namespace } from "../proto/gen/tallship/v1/namespace.js";
import { freePort, killMember } from "../test/kit/etcd.js";
import { TEST_CLUSTER } from "../test/kit/test-cluster.js";
import { waitFor } from "../test/kit/wait.js";
import { runControlPlane } from "./main.js";
import { initCluster } from "./setup/init.js";
import { becomeControlPlane } from "./setup/join-control-plane.js";

const edges = { clock: systemClock, rng: systemRng, log: silentLog };
const root = mkdtempSync(join(tmpdir(), "tallship-cp-"));
const home = process.env["HOME"];
const channels: Channel[] = [];

/** Two hosts share this machine: each has ports of its own, and an address below 127/8. */
interface TestHost {
  readonly paths: HostPaths;
  readonly host: HostConfig;
  readonly stop: AbortController;
  ended: Promise<void>;
}

async function testHost(name: string, advertiseAddress: string): Promise<TestHost> {
  const numbers = await Promise.all(Array.from({ length: 7 }, freePort));
  const [api = 0, join_ = 0, web = 0, node = 0, probe = 0, etcdClient = 0, etcdPeer = 0] = numbers;
  const ports = { api, join: join_, web, node, probe, etcdClient, etcdPeer };
  const folder = join(root, name);
  const paths = hostPaths({
    configDir: join(folder, "etc"),
    dataDir: join(folder, "var"),
    runDir: join(folder, "run"),
  });
  const host = { name, advertiseAddress, isControlPlane: true, ports };
  return { paths, host, stop: new AbortController(), ended: Promise.resolve() };
}

function run(target: TestHost): void {
  target.ended = runControlPlane({ paths: target.paths, log: silentLog }, target.stop.signal);
  target.ended.catch(() => undefined);
}

/** A connection as the administrator that init made. */
function dialAs(target: TestHost): Channel {
  const file = checkContextFile(parse(readFileSync(target.paths.adminContext, "utf8")), "admin.yaml");
  const [context] = file.contexts;
  if (context === undefined) throw new Error("no context");
  const pair = { certificatePem: context.cert, keyPem: context.key };
  const credentials = mutableCredentials({ caPem: context.ca, pair });
  const dialer = grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock });
  const channel = dialer.dial(hostPort(target.host.advertiseAddress, target.host.ports.api));
  channels.push(channel);
  return channel;
}

const infoOf = (channel: Channel) =>
  channel.client(ClusterDefinition).info(InfoRequest.fromPartial({}), { deadlineMs: 2_000 });

async function serving(target: TestHost): Promise<Channel> {
  const channel = dialAs(target);
  await waitFor(
    `${target.host.name} to serve`,
    async () => {
      await Promise.race([target.ended, Promise.resolve()]);
      return (await infoOf(channel).catch(() => undefined))?.leaderAddress;
    },
    { deadlineMs: 30_000 },
  );
  return channel;
}

async function tokenOf(channel: Channel, role: string): Promise<string> {
  return (await channel.client(ClusterDefinition).createToken(CreateTokenRequest.fromPartial({ role }))).token;
}

let a: TestHost;
let b: TestHost;
beforeAll(async () => {
  process.env["HOME"] = join(root, "home");
  a = await testHost("host-a", "127.0.0.2");
  b = await testHost("host-b", "127.0.0.3");
});
afterAll(async () => {
  process.env["HOME"] = home;
  for (const channel of channels) channel.close();
  for (const { stop, ended } of [a, b]) {
    stop.abort();
    await ended.catch(() => undefined);
  }
  for (const { paths } of [a, b]) killMember(paths.etcd);
  await waitFor("the files to be unused", () => {
    rmSync(root, { recursive: true, force: true });
    return true;
  });
});

test("the first host: files, serving, a token; the same init again changes nothing, another one is refused", async () => {
  expect(await initCluster({ ...a, cluster: TEST_CLUSTER, routes: [] }, edges)).toBe(true);
  const before = readFileSync(a.paths.ca, "utf8");
  expect(await initCluster({ ...a, cluster: TEST_CLUSTER, routes: [] }, edges)).toBe(false);
  expect(readFileSync(a.paths.ca, "utf8")).toBe(before);
  const other = { ...TEST_CLUSTER, podCIDR: "10.64.0.0/10" };
  await expect(initCluster({ ...a, cluster: other, routes: [] }, edges)).rejects.toMatchObject({
    code: "already_exists",
  });
  for (const file of [a.paths.caKey, a.paths.sealKey, a.paths.nodeKey, a.paths.adminContext])
    expect(statSync(file).mode & 0o777).toBe(0o600);
  run(a);
  const channel = await serving(a);
  expect(await infoOf(channel)).toMatchObject({ leaderAddress: `127.0.0.2:${a.host.ports.api}`, version: "0.1.0" });
  const token = await tokenOf(channel, "worker");
  expect(token.startsWith("TSJ1.")).toBe(true);
});

test("an init whose ranges overlap a route is refused, and writes nothing", async () => {
  const fresh = await testHost("host-c", "127.0.0.4");
  const routes = [{ destination: "10.130.0.0/16", device: "tun0" }];
  await expect(initCluster({ ...fresh, cluster: TEST_CLUSTER, routes }, edges)).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("10.130.0.0/16 by tun0"),
  });
  expect(() => statSync(fresh.paths.ca)).toThrow();
});

test("a second control plane joins by its token, serves the same objects, and leads when the first is gone", async () => {
  const first = dialAs(a);
  const token = await tokenOf(first, "control-plane");
  const plan = { paths: b.paths, host: { ...b.host, isControlPlane: false }, token, mustBeControlPlane: true };
  expect((await joinHost(plan, becomeControlPlane)).isControlPlane).toBe(true);
  expect(readFileSync(b.paths.sealKey).equals(readFileSync(a.paths.sealKey))).toBe(true);
  run(b);
  const second = await serving(b);
  await waitFor("both to be known", async () => (await infoOf(first)).controlPlaneAddresses.length === 2);
  expect((await infoOf(second)).leaderAddress).toBe(`127.0.0.2:${a.host.ports.api}`);
  const object = encodeObject({
    kind: "Namespace",
    object: Namespace.fromPartial({ metadata: { name: "made-on-b" } }),
  });
  const { revision } = await second.client(ObjectsDefinition).create({ object: Buffer.from(object), dryRun: false });
  const name = { kind: "Namespace", namespace: "", name: "made-on-b" };
  const seen = await first.client(ObjectsDefinition).get(GetRequest.fromPartial({ name, minRevision: revision }));
  expect(seen.revision).toBe(revision);
  a.stop.abort();
  await a.ended;
  await waitFor("the second to lead", async () => {
    const { leaderAddress } = await infoOf(second);
    return leaderAddress === `127.0.0.3:${b.host.ports.api}`;
  });
  expect((await second.client(ClusterDefinition).listTokens(ListTokensRequest.fromPartial({}))).tokens).toHaveLength(1);
});

test("metrics: for everybody on the host, over the network only with a certificate that may", async () => {
  const local = await fetch(`http://127.0.0.1:${b.host.ports.web}/metrics`);
  const text = await local.text();
  for (const name of [
    "tallship_build_info",
    "tallship_api_call_seconds_count",
    "tallship_store_call_seconds_count",
    "tallship_cache_objects",
    "tallship_certificate_expiry_timestamp_seconds",
  ])
    expect(text).toContain(name);
  const token = await tokenOf(dialAs(b), "metrics");
  // The listener of the token is the second host's: it is the one that answers now.
  const { response, keyPem } = await joinCluster({ token, name: "prometheus", addresses: [] }, systemClock);
  expect(response.role).toBe("metrics");
  const options = { host: "127.0.0.3", port: b.host.ports.web, ca: response.ca, path: "/metrics" };
  const asNode = { cert: readFileSync(b.paths.nodeCertificate), key: readFileSync(b.paths.nodeKey) };
  expect(await statusOf({ ...options, cert: response.certificate, key: keyPem })).toBe(200);
  expect(await statusOf({ ...options, ...asNode })).toBe(403);
});

function statusOf(options: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    httpsRequest(options, ({ statusCode }) => resolve(statusCode))
      .on("error", reject)
      .end();
  });
}
