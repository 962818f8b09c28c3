import { parseReference } from "../../kinds/image-reference.js";
import { LOGIN_SECRET } from "../../kinds/login-secret.js";
import { credentialsOf } from "../../kinds/registry-credentials.js";
import { TallshipError } from "../../lib/errors.js";
import { RegistryLogin } from "../../proto/gen/tallship/v1/images.js";
import type { View } from "../cache/view.js";

/**
 * What a node gets to say to registries for an operator: of the namespace's login only what is for these hosts. Throws config_missing when the login cannot be read.
 */
export function loginsFor(view: Pick<View, "get">, namespace: string, hosts: readonly string[]): RegistryLogin[] {
  const secret = namespace === "" ? undefined : view.get("Secret", namespace, LOGIN_SECRET);
  if (secret === undefined) return [];
  const credentials = credentialsOf([{ name: LOGIN_SECRET, data: secret.data }]);
  return [...new Set(hosts)].flatMap((host) => {
    const found = credentials[host];
    return found === undefined ? [] : [RegistryLogin.fromPartial({ host, ...found })];
  });
}

/** Host of the registry that an image's name means. */
export function hostOfName(name: string): string {
  return parseReference(name).host;
}

/** Host of a registry as a user names it. Throws invalid_argument. */
export function registryHost(text: string): string {
  const bare = text.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  // A registry's host is what stands before an image's path.
  const { host } = parseReference(`${bare}/x`);
  if (host === bare || (host === "docker.io" && bare === "index.docker.io")) return host;
  throw new TallshipError(
    "invalid_argument",
    `${JSON.stringify(text)} is no registry: want HOST[:PORT], such as reg.example:5000`,
  );
}
