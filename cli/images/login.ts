import { LOGIN_SECRET } from "../../kinds/login-secret.js";
import { encodeObject } from "../../kinds/object.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { GetRequest, UpdateRequest } from "../../proto/gen/tallship/v1/api.js";
import { Secret } from "../../proto/gen/tallship/v1/secret.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { objectOf } from "../objects.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";

/** What `login` was asked. */
export interface LoginFlags extends ClusterFlags {
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly passwordStdin: boolean;
}

const DOCKER_HUB = "https://index.docker.io/v1/";
const KEY = ".dockerconfigjson";
const TYPE = "kubernetes.io/dockerconfigjson";
/** Longest password read from standard input. */
const PASSWORD_BYTES = 65_536;

type Auths = Readonly<Record<string, unknown>>;

/** Keeps credentials for a registry in the namespace: its pods pull with them. Whether the registry takes them, the next pull tells. */
export async function runLogin(
  { flags, operands }: { readonly flags: LoginFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const server = serverOf(operands);
  const { username } = flags;
  if (username === undefined) throw usageError("say who you are: -u NAME");
  const password = await passwordOf(flags, shell);
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  return withCluster(shell, flags, async (cluster) => {
    await changeAuths(cluster, shell, (auths) => ({ ...auths, [server]: { username, password, auth } }));
    await shell.stdout.write(
      `Login Succeeded: pods of namespace ${cluster.namespace} pull from ${server} as ${username}\n`,
    );
    return 0;
  });
}

/** Forgets the credentials for a registry. */
export async function runLogout(
  { flags, operands }: { readonly flags: ClusterFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const server = serverOf(operands);
  return withCluster(shell, flags, async (cluster) => {
    let isKnown = false;
    await changeAuths(cluster, shell, (auths) => {
      isKnown = Object.hasOwn(auths, server);
      return Object.fromEntries(Object.entries(auths).filter(([at]) => at !== server));
    });
    await shell.stdout.write(isKnown ? `Removing login credentials for ${server}\n` : `Not logged in to ${server}\n`);
    return 0;
  });
}

function serverOf(operands: readonly string[]): string {
  const [server = DOCKER_HUB, ...rest] = operands;
  if (rest.length > 0) throw usageError(`unexpected "${rest[0]}"`);
  return server === "docker.io" ? DOCKER_HUB : server;
}

async function passwordOf({ password, passwordStdin }: LoginFlags, shell: Shell): Promise<string> {
  if (passwordStdin) return (await shell.stdin.readAll(PASSWORD_BYTES)).replace(/\r?\n$/, "");
  if (password === undefined) throw usageError("give the password: --password-stdin reads it from standard input");
  await shell.stderr.write("a password on the command line can be seen by others on this machine: --password-stdin\n");
  return password;
}

/** Reads, changes and writes the secret; another who writes it meanwhile is not overwritten but told to try again. */
async function changeAuths(cluster: Cluster, shell: Shell, change: (auths: Auths) => Auths): Promise<void> {
  const { namespace, objects } = cluster;
  const { signal } = shell;
  const name = { kind: "Secret", namespace, name: LOGIN_SECRET };
  const found = await objects.get(GetRequest.fromPartial({ name }), { signal }).catch((error: unknown) => {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  });
  const typed = found === undefined ? undefined : objectOf(found);
  const secret =
    typed?.kind === "Secret"
      ? typed.object
      : Secret.fromPartial({ metadata: { namespace, name: LOGIN_SECRET }, type: TYPE });
  const auths = change(authsOf(secret));
  const data = { ...secret.data, [KEY]: Buffer.from(JSON.stringify({ auths })) };
  const object = Buffer.from(encodeObject({ kind: "Secret", object: { ...secret, data } }));
  if (found === undefined) await objects.create({ object, dryRun: false }, { signal });
  else await objects.update(UpdateRequest.fromPartial({ object }), { signal });
}

function authsOf({ data }: Secret): Auths {
  const bytes = data[KEY];
  if (bytes === undefined) return {};
  try {
    const found: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    const auths = typeof found === "object" && found !== null && "auths" in found ? found.auths : {};
    return typeof auths === "object" && auths !== null ? { ...auths } : {};
  } catch (cause) {
    throw new TallshipError("invalid_argument", `secret ${LOGIN_SECRET} holds something else than logins`, { cause });
  }
}
