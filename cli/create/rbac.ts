import type { JsonObject } from "../../kinds/encode.js";
import { kindOfWord } from "../../kinds/lookup.js";
import { KINDS } from "../../kinds/registry.js";
import { usageError } from "../verb.js";

/** The API group of roles and their bindings. */
export const RBAC_GROUP = "rbac.authorization.k8s.io";

/** A role's rules: one for each API group that the resources are of, as kubectl makes them. */
export function rulesOf(
  verbs: readonly string[],
  resources: readonly string[],
  resourceNames: readonly string[],
): readonly JsonObject[] {
  if (verbs.length === 0) throw usageError("say what may be done: --verb=get,list,watch");
  const byGroup = new Map<string, string[]>();
  for (const text of resources) {
    const { group, resource } = resourceOf(text);
    byGroup.set(group, [...(byGroup.get(group) ?? []), resource]);
  }
  return [...byGroup].map(([group, names]) => ({
    verbs,
    apiGroups: [group],
    resources: names,
    ...(resourceNames.length === 0 ? {} : { resourceNames }),
  }));
}

/** `deployments`, `deploy/scale`, `widgets.example.com`: the resource's plural and its group. */
function resourceOf(text: string): { readonly group: string; readonly resource: string } {
  const [word = "", ...sub] = text.split("/");
  const below = sub.length === 0 ? "" : `/${sub.join("/")}`;
  if (word === "*") return { group: "*", resource: `*${below}` };
  const kind = kindOfWord(word);
  if (kind !== undefined) return { group: KINDS[kind].group, resource: `${KINDS[kind].plural}${below}` };
  const dot = word.indexOf(".");
  if (dot === -1)
    throw usageError(`--resource: there is no resource "${word}"; those of other groups are named RESOURCE.GROUP`);
  return { group: word.slice(dot + 1), resource: `${word.slice(0, dot)}${below}` };
}

/** Who a binding is for, as the command line names them: each flag may name several, with commas or by being repeated. */
export interface SubjectFlags {
  readonly user: readonly string[];
  readonly group: readonly string[];
  readonly serviceaccount: readonly string[];
}

/** The subjects of a binding. */
export function subjectsOf({ user, group, serviceaccount }: SubjectFlags): readonly JsonObject[] {
  const named = (kind: string) => (name: string) => ({ apiGroup: RBAC_GROUP, kind, name });
  const accounts = split(serviceaccount).map((text) => {
    const [namespace = "", name = "", ...more] = text.split(":");
    if (namespace === "" || name === "" || more.length > 0)
      throw usageError(`--serviceaccount: "${text}" is not NAMESPACE:NAME`);
    return { kind: "ServiceAccount", name, namespace };
  });
  return [...split(user).map(named("User")), ...split(group).map(named("Group")), ...accounts];
}

/** Texts that may stand in one flag with commas, or in several. */
export function split(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => text.split(",")).filter((text) => text !== "");
}
