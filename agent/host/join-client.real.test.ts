import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { authorizeCalls } from "../../controlplane/api/authorize.js";
import { ClusterAuthority } from "../../controlplane/ca/cluster-authority.js";
import { joinService } from "../../controlplane/ca/join-service.js";
import { createToken, listTokens, revokeToken, type TokenTerms } from "../../controlplane/ca/tokens.js";
import { viewOf } from "../../controlplane/cache/view-of.js";
import { MemoryStore } from "../../controlplane/store/memory.js";
import { silentLog } from "../../lib/log.js";
import type { KeyPair } from "../../lib/pki/issue.js";
import { formatJoinToken } from "../../lib/pki/join-token.js";
import { createKey } from "../../lib/pki/keys.js";
import { isSignedBy, readCertificate } from "../../lib/pki/read.js";
import { createRequest } from "../../lib/pki/request.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { mutableCredentials } from "../../lib/transport/credentials.js";
import { grpcDialer } from "../../lib/transport/grpc-dialer.js";
import { startGrpcServer } from "../../lib/transport/grpc-server.js";
import type { Role } from "../../lib/transport/peer-identity.js";
import { bind, type Handlers, type TransportServer } from "../../lib/transport/service.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import {
  ClusterConfig,
  ControlPlaneSecrets,
  JoinDefinition,
  JoinRequest,
  JoinResponse,
} from "../../proto/gen/tallship/v1/session.js";
import { testAuthority, testCredentials } from "../../test/kit/test-authority.js";
import { joinCluster } from "./join-client.js";

const authority = testAuthority("cluster");
const servers: TransportServer[] = [];
let store: MemoryStore;
beforeEach(() => {
  store = new MemoryStore(systemClock);
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0)));
});

const tokenDeps = () => ({ store, clock: systemClock, rng: systemRng });
const pinOf = ({ certificatePem }: KeyPair): string => readCertificate(certificatePem).pin;

async function listen(
  handlers: Handlers<typeof JoinDefinition>,
  signer = authority,
  role: Role = "control-plane",
): Promise<string> {
  const server = await startGrpcServer({
    bindings: [bind(JoinDefinition, handlers, authorizeCalls("Join"))],
    host: "127.0.0.1",
    port: 0,
    credentials: mutableCredentials(testCredentials(signer, "cp-1", role)),
    clientCertificates: "none",
    clock: systemClock,
    log: silentLog,
  });
  servers.push(server);
  return `127.0.0.1:${server.port}`;
}

function realJoin(): Promise<string> {
  const deps = {
    ...tokenDeps(),
    authority: new ClusterAuthority(authority, { clock: systemClock, rng: systemRng }),
    view: viewOf([{ kind: "Node", object: Node.fromPartial({ metadata: { name: "taken", uid: "u" } }) }]),
    log: silentLog,
    config: async () => ClusterConfig.fromPartial({ clusterEpoch: "epoch", podCIDR: "10.128.0.0/9" }),
    admitControlPlane: async () => ControlPlaneSecrets.fromPartial({ sealKey: Buffer.from("seal") }),
  };
  return listen(joinService(deps));
}

async function tokenFor(
  address: string,
  terms: Partial<TokenTerms> = {},
  signer = authority,
): Promise<{ text: string; id: string }> {
  const { id, secret } = await createToken(tokenDeps(), { role: "worker", ttlMs: 60_000, uses: -1, ...terms });
  return { id, text: formatJoinToken({ pin: pinOf(signer), id, secret, addresses: [address] }) };
}

const joinAs = (token: string, name = "node-a") =>
  joinCluster({ token, name, addresses: ["10.0.0.7", "fd00::7"] }, systemClock);

describe("joining", () => {
  test("a worker token gives a day's certificate for the host's own key, name and addresses", async () => {
    const { text } = await tokenFor(await realJoin());
    const { response, keyPem } = await joinAs(text);
    const certificate = `${response.certificate}`;
    const facts = readCertificate(certificate);
    expect(facts.subject).toEqual({ name: "node-a", organization: "tallship:node" });
    expect(facts.addresses).toEqual(["10.0.0.7", "FD00:0:0:0:0:0:0:7", "node-a"]);
    expect(facts.notAfterMs - Date.now()).toBeLessThanOrEqual(86_400_000);
    expect(isSignedBy(certificate, `${response.ca}`, Date.now())).toBe(true);
    expect(facts.pin).toBe(readCertificate(testCertificateOf(keyPem)).pin);
    expect(response.config?.clusterEpoch).toBe("epoch");
    expect(response.controlPlane).toBeUndefined();
  });

  test("only a control-plane token gives what control planes hold", async () => {
    const { text } = await tokenFor(await realJoin(), { role: "control-plane" });
    const { response } = await joinAs(text);
    expect(response.role).toBe("control-plane");
    expect(`${response.controlPlane?.sealKey}`).toBe("seal");
    await expect(joinAs(text, "node-b")).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("a revoked token is refused", async () => {
    const { text, id } = await tokenFor(await realJoin());
    await revokeToken(tokenDeps(), id);
    await expect(joinAs(text)).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("the name of a node that exists is refused, and costs no use", async () => {
    const { text } = await tokenFor(await realJoin(), { uses: 1 });
    await expect(joinAs(text, "taken")).rejects.toMatchObject({
      code: "already_exists",
      message: expect.stringContaining("tsctl delete node taken"),
    });
    expect((await listTokens(tokenDeps())).map(({ usesLeft }) => usesLeft)).toEqual([1]);
  });

  describe("a node that is in the cluster already", () => {
    const long = new ClusterAuthority(authority, {
      clock: { ...systemClock, nowMs: () => Date.now() - 20 * 86_400_000 },
      rng: systemRng,
    });
    const keyPem = createKey();
    const expired = long.sign(createRequest(keyPem, "taken"), { name: "taken", role: "node", addresses: [] });
    const stranger = new ClusterAuthority(testAuthority("cluster"), { clock: systemClock, rng: systemRng });

    test("gets a new certificate for its key, though its own has expired long ago", async () => {
      const { text } = await tokenFor(await realJoin());
      const joiner = { token: text, name: "taken", addresses: [], previous: { certificatePem: expired, keyPem } };
      const joined = await joinCluster(joiner, systemClock);
      expect(joined.keyPem).toBe(keyPem);
      expect(readCertificate(joined.response.certificate).notAfterMs).toBeGreaterThan(Date.now());
    });

    // Each row lacks one thing that the first test had.
    test.each([
      { name: "the key", certificatePem: expired, key: createKey() },
      {
        name: "the name",
        certificatePem: long.sign(createRequest(keyPem, "x"), { name: "other", role: "node", addresses: [] }),
        key: keyPem,
      },
      {
        name: "the role",
        certificatePem: long.sign(createRequest(keyPem, "x"), { name: "taken", role: "metrics", addresses: [] }),
        key: keyPem,
      },
      {
        name: "the authority",
        certificatePem: stranger.sign(createRequest(keyPem, "x"), { name: "taken", role: "node", addresses: [] }),
        key: keyPem,
      },
    ])("is refused without $name", async ({ certificatePem, key }) => {
      const { text } = await tokenFor(await realJoin());
      const joiner = { token: text, name: "taken", addresses: [], previous: { certificatePem, keyPem: key } };
      await expect(joinCluster(joiner, systemClock)).rejects.toMatchObject({ code: "already_exists" });
    });
  });

  test.each(["", "Upper", "a b", "-a", "x".repeat(64), "a\nO=tallship:admin"])(
    "the name %j is refused",
    async (name) => {
      const { text } = await tokenFor(await realJoin());
      await expect(joinAs(text, name)).rejects.toMatchObject({ code: "invalid_argument" });
    },
  );

  test("an address that is away is passed over", async () => {
    const address = await realJoin();
    const { id, secret } = await createToken(tokenDeps(), { role: "worker", ttlMs: 60_000, uses: -1 });
    const text = formatJoinToken({ pin: pinOf(authority), id, secret, addresses: ["127.0.0.1:1", address] });
    expect((await joinAs(text)).response.role).toBe("node");
  });

  test("somebody who floods the listener is told to wait", async () => {
    const address = await realJoin();
    const credentials = mutableCredentials({ caPem: authority.certificatePem, pair: undefined });
    const channel = grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock }).dial(address);
    const guess = JoinRequest.fromPartial({ tokenId: "none", secret: "guess", nodeName: "node-a" });
    const call = channel.client(JoinDefinition);
    const codes = await Promise.all(
      Array.from({ length: 120 }, () => call.join(guess).catch((error: { code: string }) => error.code)),
    );
    channel.close();
    expect(new Set(codes)).toEqual(new Set(["unauthenticated", "resource_exhausted"]));
  });
});

describe("the secret is not sent", () => {
  let asked = 0;
  const thief: Handlers<typeof JoinDefinition> = {
    join: async () => {
      asked += 1;
      return JoinResponse.fromPartial({});
    },
  };
  const impostor = testAuthority("cluster");

  // Each row is somebody between the host and the cluster.
  test.each([
    { name: "to a server of another authority", signer: impostor, role: "control-plane", want: /has the pin/ },
    { name: "to a node of the cluster", signer: authority, role: "node", want: /of role node/ },
    { name: "to an administrator's certificate", signer: authority, role: "admin", want: /of role admin/ },
  ] as const)("$name", async ({ signer, role, want }) => {
    asked = 0;
    const { text } = await tokenFor(await listen(thief, signer, role));
    await expect(joinAs(text)).rejects.toMatchObject({ code: "unauthenticated", message: expect.stringMatching(want) });
    expect(asked).toBe(0);
  });

  test("to a server that shows the right authority with a certificate of another", async () => {
    asked = 0;
    const forged = { ...testCredentials(impostor, "cp-1", "control-plane"), caPem: authority.certificatePem };
    const server = await startGrpcServer({
      bindings: [bind(JoinDefinition, thief, () => undefined)],
      host: "127.0.0.1",
      port: 0,
      credentials: mutableCredentials(forged),
      clientCertificates: "none",
      clock: systemClock,
      log: silentLog,
    });
    servers.push(server);
    const { text } = await tokenFor(`127.0.0.1:${server.port}`);
    await expect(joinAs(text)).rejects.toMatchObject({ code: "unauthenticated" });
    expect(asked).toBe(0);
  });
});

/** A certificate of any authority for the key, to compare pins. */
function testCertificateOf(keyPem: string): string {
  const signer = new ClusterAuthority(authority, { clock: systemClock, rng: systemRng });
  return signer.sign(createRequest(keyPem, "x"), { name: "x", role: "node", addresses: [] });
}
