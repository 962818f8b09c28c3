import { TallshipError } from "../../../lib/errors.js";
import { asList, asObject, asText } from "../../../lib/json-shape.js";

/** An answer of a registry that is no success. */
export interface Refusal {
  readonly status: number;
  /** What the registry says of it; JSON in the distribution API's form, or anything. */
  readonly body: string;
  /** The request, as errors name it: METHOD ADDRESS. */
  readonly where: string;
  readonly hasLogin: boolean;
}

const ADDRESS = /^[A-Z]+ https?:\/\/([^/]+)\/v2\/(.+)\/(manifests|blobs|tags)\/([^/]+)/;

/** What a registry's refusal means, told as docker tells it: what is not there, and what would help. */
export function refusalOf({ status, body, where, hasLogin }: Refusal): TallshipError {
  const [, host = "", repository = "", resource, key = ""] = ADDRESS.exec(where) ?? [];
  const codes = codesIn(body);
  const login = `tsctl login ${host}`;
  if (status === 401 || status === 403) {
    const why = hasLogin
      ? "the registry refuses the credentials"
      : `the registry wants credentials, none are given: the repository may need ${login}, or not exist`;
    const access = repository === "" ? "" : `access to ${repository} denied: `;
    return new TallshipError("image_unauthorized", `${where}: ${access}${why}`);
  }
  if (status === 404 && (resource === "manifests" || resource === "tags")) {
    const isRepositoryMissing = codes.includes("NAME_UNKNOWN") || resource === "tags";
    const named = key.startsWith("sha256:") ? `digest ${key}` : `tag ${key}`;
    const what = isRepositoryMissing
      ? `${host} has no repository ${repository}${hasLogin ? "" : `, or it needs ${login}`}`
      : `${named} of repository ${repository} not found at ${host} (manifest unknown): check name and tag`;
    return new TallshipError("image_not_found", what);
  }
  if (status === 404) return new TallshipError("image_not_found", `${where}: status 404`);
  const told = codes.length === 0 ? "" : ` (${codes.join(", ")})`;
  const isSending = /^(POST|PUT) /.test(where);
  return new TallshipError(isSending ? "image_push_failed" : "image_pull_failed", `${where}: status ${status}${told}`);
}

/** Codes of the errors that a registry tells; their messages are the registry's own words and stay out. */
function codesIn(body: string): readonly string[] {
  try {
    const errors = asList(asObject(JSON.parse(body))?.["errors"]);
    return errors
      .flatMap((each) => asText(asObject(each)?.["code"]) ?? [])
      .filter((code) => /^[A-Z_]{1,40}$/.test(code));
  } catch {
    return []; // Proxies answer in HTML.
  }
}
