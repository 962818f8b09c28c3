import type { RegistryCredentials } from "./image/images.js";

const DOCKER_HUB = "docker.io";

/**
 * Credentials by registry host in a Secret of type kubernetes.io/dockerconfigjson or dockercfg. What cannot be read is left out: the pull
 * then fails with image_unauthorized, which says more than a broken Secret.
 */
export function parseDockerConfig(
  values: Readonly<Record<string, Uint8Array>>,
): Readonly<Record<string, RegistryCredentials>> {
  const whole = parseObject(textOf(values[".dockerconfigjson"]));
  const auths = whole["auths"] !== undefined ? objectOf(whole["auths"]) : parseObject(textOf(values[".dockercfg"]));
  const entries = Object.entries(auths).flatMap(([server, entry]) => {
    const found = credentialsOf(objectOf(entry));
    return found === undefined ? [] : [[hostOf(server), found] as const];
  });
  return Object.fromEntries(entries);
}

function credentialsOf({
  auth,
  username,
  password,
}: Readonly<Record<string, unknown>>): RegistryCredentials | undefined {
  if (typeof username === "string" && typeof password === "string") return { username, password };
  if (typeof auth !== "string") return undefined;
  const pair = Buffer.from(auth, "base64").toString("utf8");
  const at = pair.indexOf(":");
  return at < 0 ? undefined : { username: pair.slice(0, at), password: pair.slice(at + 1) };
}

/** https://index.docker.io/v1/ and the like become the host that references name. */
function hostOf(server: string): string {
  const host = server.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return host === "index.docker.io" || host === "registry-1.docker.io" ? DOCKER_HUB : host;
}

function textOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? new Uint8Array()).toString("utf8");
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return {};
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
