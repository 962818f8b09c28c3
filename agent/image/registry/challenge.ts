/** What a registry wants before it answers: the WWW-Authenticate header of its 401. */
export type Challenge =
  | { readonly scheme: "basic" }
  | { readonly scheme: "bearer"; readonly realm: string; readonly service: string; readonly scope: string }
  | { readonly scheme: "none" };

const PARAMETER = /([A-Za-z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;

/** Parses WWW-Authenticate. A scheme that is not known, or a bearer without realm, is none. */
export function parseChallenge(header: string | undefined): Challenge {
  const scheme = /^\s*([A-Za-z]+)/.exec(header ?? "")?.[1]?.toLowerCase();
  if (scheme === "basic") return { scheme: "basic" };
  if (scheme !== "bearer" || header === undefined) return { scheme: "none" };
  const parameters = new Map<string, string>();
  for (const [, name = "", quoted, bare = ""] of header.matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? bare);
  }
  const realm = parameters.get("realm");
  if (realm === undefined) return { scheme: "none" };
  return { scheme: "bearer", realm, service: parameters.get("service") ?? "", scope: parameters.get("scope") ?? "" };
}

/** Where the token is asked for. The scopes are what the client needs, whatever the registry proposes. */
export function tokenUrl(challenge: Challenge & { scheme: "bearer" }, scopes: readonly string[]): URL | undefined {
  if (!URL.canParse(challenge.realm)) return undefined;
  const url = new URL(challenge.realm);
  if (challenge.service !== "") url.searchParams.set("service", challenge.service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  return url;
}

/** Reads the answer of a token server: the token and how long it holds. Undefined when it holds none. */
export function parseToken(body: string): { readonly token: string; readonly ttlMs: number } | undefined {
  const parsed = parsedObject(body);
  const token = parsed?.["token"] ?? parsed?.["access_token"];
  if (typeof token !== "string" || token === "" || /[^\x21-\x7e]/.test(token)) return undefined;
  const seconds = parsed?.["expires_in"];
  // The specification's default, when the server does not say.
  return { token, ttlMs: (typeof seconds === "number" && seconds > 0 ? seconds : 60) * 1_000 };
}

function parsedObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}
