/** What to do with an answer that points elsewhere. */
export type RedirectStep =
  | { readonly is: "follow"; readonly url: URL; readonly keepsAuthorization: boolean }
  | { readonly is: "refuse"; readonly why: string };

const REDIRECTS_MAX = 5;

/**
 * Decides on a redirect. Credentials go on only to the very same scheme, host and port: registries send blobs to storage
 * services, which must not see them and refuse requests that carry them.
 */
export function redirectStep(from: URL, location: string | undefined, followedCount: number): RedirectStep {
  if (location === undefined || !URL.canParse(location, from.href)) return { is: "refuse", why: "without a location" };
  if (followedCount >= REDIRECTS_MAX) return { is: "refuse", why: `more than ${REDIRECTS_MAX} times` };
  const url = new URL(location, from);
  if (url.protocol !== "https:" && url.protocol !== "http:") return { is: "refuse", why: `to ${url.protocol}` };
  if (from.protocol === "https:" && url.protocol === "http:") return { is: "refuse", why: "from https to http" };
  if (url.username !== "" || url.password !== "") return { is: "refuse", why: "to an address with credentials" };
  return { is: "follow", url, keepsAuthorization: url.origin === from.origin };
}
