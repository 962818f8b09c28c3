import type { JsonObject } from "../../kinds/encode.js";
import { FORMATS } from "../../kinds/formats.js";
import { usageError } from "../verb.js";

/** Prefix of the labels of containers that a name of several may lead to. */
const ALIAS_LABEL = "alias.run.tallship.dev";

/** Labels that put a container behind its aliases. */
export function aliasLabels(aliases: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(aliases.map((alias) => [labelOf(alias), "true"]));
}

/** The objects by which DNS leads an alias to all containers that have it, on whatever networks they are. Throws usage errors. */
export function aliasServices(aliases: readonly string[]): readonly JsonObject[] {
  return aliases.map((alias) => {
    const wrong = FORMATS.dnsLabelLetterFirst(alias);
    if (wrong !== undefined) throw usageError(`--network-alias ${alias}: ${wrong}`);
    return {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: alias, labels: { [labelOf(alias)]: "true" } },
      spec: { clusterIP: "None", ipFamilyPolicy: "PreferDualStack", selector: { [labelOf(alias)]: "true" } },
    };
  });
}

function labelOf(alias: string): string {
  return `${ALIAS_LABEL}/${alias}`;
}
