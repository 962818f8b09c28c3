import { TallshipError } from "../lib/errors.js";
import { asObject, asText, type JsonObject } from "../lib/json-shape.js";

/** Credentials for one registry. */
export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

/** A Secret of type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg; its key tells which. */
export interface PullSecret {
  readonly name: string;
  readonly data: Readonly<Record<string, Uint8Array>>;
}

const MODERN_KEY = ".dockerconfigjson";
const OLD_KEY = ".dockercfg";

/**
 * The credentials of a pod's imagePullSecrets, by registry host; of two for one host the first counts. Throws
 * config_missing naming the secret that holds none that can be read, never its content.
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
  const modern = secret.data[MODERN_KEY];
  const old = secret.data[OLD_KEY];
  if (modern === undefined && old === undefined) throw unreadable(secret, `has neither ${MODERN_KEY} nor ${OLD_KEY}`);
  if (modern === undefined) return parsed(secret, old ?? new Uint8Array());
  const auths = asObject(parsed(secret, modern)["auths"]);
  if (auths === undefined) throw unreadable(secret, "has no field auths");
  return auths;
}

function entry(secret: PullSecret, at: string, auth: unknown): readonly [string, RegistryCredentials] {
  const found = asObject(auth) ?? {};
  const username = asText(found["username"]);
  const password = asText(found["password"]);
  if (username !== undefined && password !== undefined) return [credentialsHost(at), { username, password }];
  const joined = Buffer.from(asText(found["auth"]) ?? "", "base64").toString("utf8");
  const colon = joined.indexOf(":");
  if (colon <= 0) throw unreadable(secret, `has no user name and password for ${at}`);
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
    throw unreadable(secret, "is not JSON"); // The parser's message would quote the content.
  }
  throw unreadable(secret, "is not a JSON object");
}

function unreadable(secret: PullSecret, why: string): TallshipError {
  return new TallshipError("config_missing", `image pull secret ${secret.name} ${why}`);
}
