import { apiVersionOf, isKindName, KINDS, type KindName } from "./registry.js";
import { closest } from "./suggest.js";
import { adviceOn, isOldGroup } from "./unsupported.js";

/** The kind that an apiVersion and a kind name, or a sentence on why there is none. */
export type KindLookup =
  | { readonly is: "found"; readonly kind: KindName }
  | { readonly is: "unknown"; readonly why: string };

/** Group and version of an apiVersion: "apps/v1" is apps and v1, "v1" is the core group's v1. */
export function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.indexOf("/");
  return slash === -1
    ? { group: "", version: apiVersion }
    : { group: apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** Finds a kind by apiVersion and kind; kinds of the same name in other groups are told apart. */
export function lookupKind(apiVersion: string, kind: string): KindLookup {
  const { group, version } = splitApiVersion(apiVersion);
  if (!isKindName(kind)) {
    const near = closest(kind, Object.keys(KINDS));
    return unknown(kind, group, near === undefined || !isKindName(near) ? undefined : near);
  }
  const row = KINDS[kind];
  if (row.group !== group && !isOldGroup(group)) return unknown(kind, group, kind);
  if (row.group !== group || !row.versions.includes(version)) {
    const why = `version ${apiVersion} of kind ${kind} is not supported, use ${apiVersionOf(kind)}`;
    return { is: "unknown", why };
  }
  return { is: "found", kind };
}

function unknown(kind: string, group: string, near: KindName | undefined): KindLookup {
  const advice = adviceOn(kind, group);
  const guess = near === undefined ? "" : `, did you mean ${near} of ${apiVersionOf(near)}?`;
  const hint = advice === undefined ? guess : `: ${advice}`;
  const of = group === "" ? "the core group" : `group ${group}`;
  return { is: "unknown", why: `kind ${kind} of ${of} is not supported${hint}` };
}

/** The kind that a user names on the command line: kind, plural, singular, short name or plural.group, in any case. */
export function kindOfWord(word: string): KindName | undefined {
  const lower = word.toLowerCase();
  return Object.values(KINDS).find((row) => {
    const { kind, plural, shortNames, group } = row;
    return (
      lower === plural ||
      lower === kind.toLowerCase() ||
      shortNames.includes(lower) ||
      (group !== "" && (lower === `${plural}.${group}` || lower === `${kind.toLowerCase()}.${group}`))
    );
  })?.kind;
}

/** Name of the kind as results write it: deployment.apps, pod. */
export function resourceName(kind: KindName): string {
  const { group } = KINDS[kind];
  return group === "" ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`;
}
