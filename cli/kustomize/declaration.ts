import { decodeMessage } from "../../kinds/decode.js";
import { type PathStep, pathText } from "../../kinds/problem.js";
import { locate } from "../../kinds/read.js";
import { Findings } from "../../kinds/validation/findings.js";
import { checkRules } from "../../kinds/validation/rules.js";
import { entryOf, isNull, type MapNode, type TreeNode } from "../../kinds/yaml/tree.js";
import type { Kustomization } from "../../proto/gen/tallship/v1/kustomization.js";
import type { Sources } from "./sources.js";
import type { Told } from "./told.js";

/** The names that a kustomization file may have. */
export const FILE_NAMES = ["kustomization.yaml", "kustomization.yml", "Kustomization"] as const;

/** A kustomization file that was read: what it says, and where it says it. */
export interface Declaration {
  readonly dir: string;
  readonly path: string;
  readonly root: MapNode;
  readonly says: Kustomization;
  /** Offset of what the steps name, or of the nearest thing around it. */
  at(...steps: readonly PathStep[]): number;
}

/** What kustomize has and is not done here, with what to do instead. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  crds: "custom kinds are not supported",
  openapi: "the schema is Tallship's own; lists of kinds it does not know are replaced, not merged",
  configurations: "the places that transformers change are fixed; use patches or replacements",
  helmCharts: "render the chart with helm template and name its output as a resource",
  helmGlobals: "render the chart with helm template and name its output as a resource",
  helmChartInflationGenerator: "render the chart with helm template and name its output as a resource",
  generators: "no programs are run; use configMapGenerator, secretGenerator or resources",
  validators: "no programs are run; objects are checked by tsctl",
  inventory: "use apply --prune, which knows what it applied",
};

/** Reads a kustomization file as strictly as an object. Undefined: something is wrong, and told. */
export function readDeclaration(
  file: { readonly dir: string; readonly path: string; readonly text: string },
  sources: Sources,
  told: Told,
): Declaration | undefined {
  const parsed = sources.parse(file.path, file.text);
  told.problems.push(...parsed.problems);
  const [root = { is: "map", at: sources.startOfLast, entries: [] } satisfies TreeNode, second] = parsed.documents;
  if (parsed.problems.length > 0) return undefined;
  if (second !== undefined) return told.refuse(second.at, "a kustomization file is one document");
  if (root.is !== "map") return told.refuse(root.at, "a kustomization is a map");
  const known = withoutUnsupported(root, told);
  const decoded = decodeMessage("Kustomization", known, sources.whole);
  told.problems.push(...decoded.problems);
  if (decoded.problems.length > 0) return undefined;
  // The schema that it was decoded by is the type's.
  const says = decoded.message as unknown as Kustomization;
  const findings = new Findings();
  checkRules("Kustomization", says, [], findings);
  for (const { path, message } of findings.errors) told.refuse(locate(root, path), message, path);
  return { ...file, root, says, at: (...steps) => locate(root, pathText(steps)) };
}

function withoutUnsupported(root: MapNode, told: Told): MapNode {
  const entries = root.entries.filter(({ key, at, value }) => {
    const why = Object.hasOwn(UNSUPPORTED, key) ? UNSUPPORTED[key] : undefined;
    if (why !== undefined && !isEmpty(value)) told.refuse(at, `not supported here: ${why}`, key, "not_supported");
    return why === undefined;
  });
  return { ...root, entries };
}

function isEmpty(node: TreeNode): boolean {
  if (node.is === "list") return node.items.length === 0;
  return node.is === "map" ? node.entries.length === 0 : isNull(node);
}

/** True when a kustomization is a component, which changes the objects of whoever names it. */
export function isComponent({ root }: Declaration): boolean {
  const kind = entryOf(root, "kind")?.value;
  return kind?.is === "scalar" && kind.text === "Component";
}
