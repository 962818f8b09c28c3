// Edge: starts a server and tsctl against it, once, when the project is built.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeObject } from "../../kinds/object.js";
import { KINDS } from "../../kinds/registry.js";
import { formatContextFile } from "../../lib/context-file.js";
import { TallshipError } from "../../lib/errors.js";
import { silentLog } from "../../lib/log.js";
import { createAuthority, issueKeyPair, type KeyPair } from "../../lib/pki/issue.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { mutableCredentials } from "../../lib/transport/credentials.js";
import { startGrpcServer } from "../../lib/transport/grpc-server.js";
import { organizationOf, type Role } from "../../lib/transport/peer-identity.js";
import { bind, type Handlers } from "../../lib/transport/service.js";
import { ListResponse, ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import { ObjectMeta } from "../../proto/gen/tallship/v1/meta.js";

// Makes tsctl's code cache: a list of pods is fetched as a user would, and V8 keeps what it compiled for that. Every command loads this code, so
// one stands for all. The server answers with one pod and lives only as long as the command.

const LIFE_MS = 3_600_000;

/** Runs tsctl at the path given, which writes its cache when it ends. */
export async function warm(program: string): Promise<void> {
  const authority = createAuthority({ name: "warm", nowMs: systemClock.nowMs(), lifeMs: LIFE_MS }, systemRng);
  const server = await startGrpcServer({
    bindings: [bind(ObjectsDefinition, HANDLERS, () => undefined)],
    host: "127.0.0.1",
    port: 0,
    credentials: mutableCredentials({ caPem: authority.certificatePem, pair: pairOf(authority, "control-plane") }),
    clientCertificates: "required",
    clock: systemClock,
    log: silentLog,
  });
  const folder = await mkdtemp(join(tmpdir(), "tallship-warm-"));
  try {
    const { certificatePem: cert, keyPem: key } = pairOf(authority, "admin");
    const servers = [`127.0.0.1:${server.port}`];
    const context = { name: "warm", servers, ca: authority.certificatePem, cert, key };
    const config = join(folder, "config");
    await writeFile(config, formatContextFile({ current: "warm", contexts: [context] }), { mode: 0o600 });
    await run(program, config);
  } finally {
    await server.close(0);
    await rm(folder, { recursive: true, force: true });
  }
}

function pairOf(authority: KeyPair, role: Role): KeyPair {
  const subject = { name: "warm", organization: organizationOf(role) };
  const life = { nowMs: systemClock.nowMs(), lifeMs: LIFE_MS };
  return issueKeyPair(
    authority,
    { subject, addresses: ["127.0.0.1"], usages: ["client", "server"], ...life },
    systemRng,
  );
}

async function run(program: string, config: string): Promise<void> {
  const env = { ...process.env, TSCTL_WRITE_CODE_CACHE: "1" };
  const args = ["--use-openssl-ca", program, "get", "pods", "--config", config];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  if (code !== 0) throw new TallshipError("internal", `warm ${program}: it ended with ${code}`);
}

function refuse(): never {
  throw new TallshipError("not_supported", "this server only lists pods");
}

async function* list(): AsyncGenerator<ListResponse> {
  const metadata = ObjectMeta.fromPartial({ name: "warm", namespace: "default" });
  const object = Buffer.from(encodeObject({ kind: "Pod", object: KINDS.Pod.create({ metadata }) }));
  yield ListResponse.fromPartial({ items: [{ object, revision: 1 }], revision: 1 });
}

const REFUSED = Object.fromEntries(Object.keys(ObjectsDefinition.methods).map((name) => [name, refuse]));
// There is a handler for every method, and what refuses fits each.
const HANDLERS = { ...REFUSED, list } as unknown as Handlers<typeof ObjectsDefinition>;
