import { createPrivateKey, X509Certificate } from "node:crypto";
import { TallshipError } from "../../lib/errors.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";
import { type ContentFlags, readContents } from "./contents.js";
import { nameOf } from "./pods.js";

/** What `create secret` was asked. */
export interface SecretFlags extends ContentFlags {
  readonly type: string | undefined;
  readonly dockerServer: string | undefined;
  readonly dockerUsername: string | undefined;
  readonly dockerPassword: string | undefined;
  readonly dockerEmail: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** A secret before it is written. */
export interface SecretContents {
  readonly name: string;
  readonly type: string | undefined;
  readonly contents: ReadonlyMap<string, Buffer>;
}

const DOCKER_HUB = "https://index.docker.io/v1/";

/** Reads what the form of the secret, its first operand, takes. */
export async function secretContents(
  flags: SecretFlags,
  operands: readonly string[],
  shell: Shell,
): Promise<SecretContents> {
  const [form, ...rest] = operands;
  const name = (): string => nameOf(rest, "secret");
  switch (form) {
    case "generic":
      return { name: name(), type: flags.type, contents: await readContents(shell, flags) };
    case "docker-registry":
      return { name: name(), type: "kubernetes.io/dockerconfigjson", contents: await registryContents(flags, shell) };
    case "tls":
      return { name: name(), type: "kubernetes.io/tls", contents: await pairContents(flags, shell) };
    default:
      throw usageError("name the form of the secret: generic, docker-registry or tls");
  }
}

async function registryContents(flags: SecretFlags, shell: Shell): Promise<ReadonlyMap<string, Buffer>> {
  if (flags.fromFile.length > 0) {
    const [first] = (await readContents(shell, { ...flags, fromLiteral: [], fromEnvFile: [] })).values();
    return new Map(first === undefined ? [] : [[".dockerconfigjson", first]]);
  }
  const { dockerServer = DOCKER_HUB, dockerUsername, dockerPassword, dockerEmail } = flags;
  if (dockerUsername === undefined || dockerPassword === undefined)
    throw usageError("say who you are: --docker-username and --docker-password, or --from-file=.dockerconfigjson=FILE");
  const entry = {
    username: dockerUsername,
    password: dockerPassword,
    ...(dockerEmail === undefined ? {} : { email: dockerEmail }),
    auth: Buffer.from(`${dockerUsername}:${dockerPassword}`).toString("base64"),
  };
  return new Map([[".dockerconfigjson", Buffer.from(JSON.stringify({ auths: { [dockerServer]: entry } }))]]);
}

async function pairContents({ cert, key }: SecretFlags, shell: Shell): Promise<ReadonlyMap<string, Buffer>> {
  if (cert === undefined || key === undefined) throw usageError("name both files: --cert=FILE --key=FILE");
  const files = [
    ["tls.crt", cert],
    ["tls.key", key],
  ] as const;
  const read = files.map(async ([name, path]) => [name, Buffer.from(await shell.files.readBytes(path))] as const);
  const pair = new Map(await Promise.all(read));
  checkPair(pair.get("tls.crt"), pair.get("tls.key"));
  return pair;
}

/** A pair that no server could use is refused here, as kubectl does. */
function checkPair(cert: Buffer | undefined, key: Buffer | undefined): void {
  let isPair = false;
  try {
    isPair = new X509Certificate(cert ?? "").checkPrivateKey(createPrivateKey(key ?? ""));
  } catch (cause) {
    throw new TallshipError("invalid_argument", "create secret: want a certificate and its key in PEM", { cause });
  }
  if (!isPair) throw new TallshipError("invalid_argument", "create secret: the key is not that of the certificate");
}
