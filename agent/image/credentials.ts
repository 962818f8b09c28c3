import { TallshipError } from "../../lib/errors.js";
import type { RegistryCredentials } from "./images.js";
import { asObject, asText, type JsonObject } from "./json-shape.js";

/** A Secret as far as it holds registry credentials. */
export interface PullSecret {
  readonly name: string;
  readonly type: string;
  readonly data: Readonly<Record<string, Uint8Array>>;
}

/** Key of the data by type of the secret, and whether its hosts lie below `auths`. */
const FORMS: Readonly<Record<string, { readonly key: string; readonly hasAuths: boolean }>> = {
  "kubernetes.io/dockerconfigjson": { key: ".dockerconfigjson", hasAuths: true },
  "kubernetes.io/dockercfg": { key: ".dockercfg", hasAuths: false },
};

/**
 * The credentials of a pod's imagePullSecrets, by registry host; of two for one host the first counts. Throws
 * invalid_argument naming the secret, never its content.
 */
export function credentialsOf(secrets: readonly PullSecret[]): Readonly<Record<string, RegistryCredentials>> {
  const found = secrets.flatMap((secret) =>
    Object.entries(authsOf(secret)).map(([at, auth]) => entry(secret, at, auth)),
  );
  return Object.fromEntries(found.reverse());
}

/**
 * The host that an entry of a docker config means: `https://index.docker.io/v1/` and registry-1.docker.io are docker.io, of
 * `https://host/path` only the host counts.
 */
export function credentialsHost(at: string): string {
  const host = at
    .replace(/^https?:\/\//, "")
    .replace(/\/.*$/, "")
    .toLowerCase();
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

function authsOf(secret: PullSecret): JsonObject {
  const form = FORMS[secret.type];
  if (form === undefined) throw malformed(secret, `has type ${secret.type}, which holds no registry credentials`);
  const bytes = secret.data[form.key];
  if (bytes === undefined) throw malformed(secret, `has no key ${form.key}`);
  const config = parsed(secret, bytes);
  const auths = form.hasAuths ? asObject(config["auths"]) : config;
  if (auths === undefined) throw malformed(secret, "has no field auths");
  return auths;
}

function entry(secret: PullSecret, at: string, auth: unknown): readonly [string, RegistryCredentials] {
  const found = asObject(auth) ?? {};
  const username = asText(found["username"]);
  const password = asText(found["password"]);
  if (username !== undefined && password !== undefined) return [credentialsHost(at), { username, password }];
  const joined = Buffer.from(asText(found["auth"]) ?? "", "base64").toString("utf8");
  const colon = joined.indexOf(":");
  if (colon <= 0) throw malformed(secret, `has no user name and password for ${at}`);
  // Docker pads the encoded password with zero bytes.
  return [
    credentialsHost(at),
    { username: joined.slice(0, colon), password: joined.slice(colon + 1).replace(/\0+$/, "") },
  ];
}

function parsed(secret: PullSecret, bytes: Uint8Array): JsonObject {
  try {
    const config = asObject(JSON.parse(Buffer.from(bytes).toString("utf8")));
    if (config !== undefined) return config;
  } catch {
    throw malformed(secret, "is not JSON"); // The parser's message would quote the content.
  }
  throw malformed(secret, "is not a JSON object");
}

function malformed(secret: PullSecret, why: string): TallshipError {
  return new TallshipError("invalid_argument", `image pull secret ${secret.name} ${why}`);
}
