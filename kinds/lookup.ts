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

/** The kind that a user names on the command line: kind, plural, singular or short name, alone or before .group or .version.group, in any case. */
export function kindOfWord(word: string): KindName | undefined {
  const lower = word.toLowerCase();
  const dot = lower.indexOf(".");
  const name = dot === -1 ? lower : lower.slice(0, dot);
  const rest = dot === -1 ? undefined : lower.slice(dot + 1);
  return Object.values(KINDS).find(({ kind, plural, shortNames, group, versions }) => {
    if (name !== plural && name !== kind.toLowerCase() && !shortNames.includes(name)) return false;
    // What follows a dot is a group, or a version and a group, which is empty for the core.
    return rest === undefined || (group !== "" && rest === group) || versions.some((one) => rest === `${one}.${group}`);
  })?.kind;
}

/** Name of the kind as results write it: deployment.apps, pod. */
export function resourceName(kind: KindName): string {
  const { group } = KINDS[kind];
  return group === "" ? kind.toLowerCase() : `${kind.toLowerCase()}.${group}`;
}
