import { TallshipError } from "../lib/errors.js";

/** An image reference with nothing left out. At least one of tag and digest is present; the digest decides. */
export interface ImageReference {
  /** Registry host, with its port if any: docker.io, registry.example:5000. */
  readonly host: string;
  /** Path in the registry: library/busybox. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** sha256:…. */
  readonly digest: string | undefined;
}

const DEFAULT_HOST = "docker.io";
const REFERENCE_MAX = 512;
const REPOSITORY_MAX = 255;
const HOST =
  /^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*)(:[0-9]{1,5})?$/;
const COMPONENT = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Parses [HOST[:PORT]/]NAME[:TAG][@DIGEST] as Docker does: docker.io when the first part is no host, library/ for a bare name
 * of docker.io, tag latest when neither tag nor digest stands there. Throws invalid_argument naming the part that is wrong.
 */
export function parseReference(text: string): ImageReference {
  if (text.length > REFERENCE_MAX) throw malformed(text.slice(0, 80), `is longer than ${REFERENCE_MAX} characters`);
  const [named = "", digest, ...more] = text.split("@");
  if (more.length > 0) throw malformed(text, "has more than one @");
  if (digest !== undefined && !isDigest(digest))
    throw malformed(text, `has the digest ${JSON.stringify(digest)}; sha256:<64 hex digits> is supported`);
  const { host, rest } = splitHost(named);
  const colon = rest.lastIndexOf(":");
  const path = colon === -1 ? rest : rest.slice(0, colon);
  const tag = colon === -1 ? undefined : rest.slice(colon + 1);
  const repository = host === DEFAULT_HOST && !path.includes("/") ? `library/${path}` : path;
  checkHost(text, host);
  if (tag !== undefined && !TAG.test(tag)) throw malformed(text, `has the tag ${JSON.stringify(tag)}`);
  if (repository.length > REPOSITORY_MAX || !repository.split("/").every((part) => COMPONENT.test(part))) {
    const hint = path === path.toLowerCase() ? "" : "; names are lower case";
    throw malformed(text, `has the name ${JSON.stringify(path)}${hint}`);
  }
  return { host, repository, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

/** The one spelling of a reference: host/repository[:tag][@digest]. */
export function formatReference({ host, repository, tag, digest }: ImageReference): string {
  return `${host}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** The name that the image is kept by which somebody wrote about; undefined when that is none. */
export function keptNameOf(text: string): string | undefined {
  try {
    return keptName(parseReference(text));
  } catch {
    return undefined;
  }
}

/** The name that an image is kept by: its digest when there is one, whatever the tag beside it says. */
export function keptName(reference: ImageReference): string {
  return formatReference(reference.digest === undefined ? reference : { ...reference, tag: undefined });
}

/** What a registry is asked by: the digest when there is one. */
export function manifestKey(reference: ImageReference): string {
  return reference.digest ?? reference.tag ?? "latest";
}

/** True for what formatReference makes of a reference with a tag and no digest: the names of kind Image. */
export function isImageName(text: string): boolean {
  try {
    const reference = parseReference(text);
    return reference.digest === undefined && formatReference(reference) === text;
  } catch {
    return false;
  }
}

/** True for sha256: and 64 lower-case hex digits; the only kind supported. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

function splitHost(named: string): { host: string; rest: string } {
  const slash = named.indexOf("/");
  const first = named.slice(0, Math.max(slash, 0));
  const isHost = slash > 0 && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  if (!isHost) return { host: DEFAULT_HOST, rest: named };
  // Docker Hub answers to this older name too.
  return { host: first === "index.docker.io" ? DEFAULT_HOST : first, rest: named.slice(slash + 1) };
}

function checkHost(text: string, host: string): void {
  const port = /:([0-9]+)$/.exec(host)?.[1];
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535);
  if (!HOST.test(host) || !isPort) throw malformed(text, `has the registry ${JSON.stringify(host)}`);
}

function malformed(text: string, why: string): TallshipError {
  return new TallshipError("invalid_argument", `image reference ${JSON.stringify(text)} ${why}`);
}
