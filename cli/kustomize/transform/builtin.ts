import { decodeMessage } from "../../../kinds/decode.js";
import { locate } from "../../../kinds/read.js";
import { Findings } from "../../../kinds/validation/findings.js";
import { checkRules } from "../../../kinds/validation/rules.js";
import type { MapNode, TreeNode } from "../../../kinds/yaml/tree.js";
import {
  Kustomization,
  type KustomizationTransformer as Transformer,
} from "../../../proto/gen/tallship/v1/kustomization.js";
import type { Declaration } from "../declaration.js";
import type { Resource } from "../resource.js";
import type { Sources } from "../sources.js";
import type { Told } from "../told.js";
import { setImages } from "./images.js";
import { addAnnotations, addLabels, addPairs, affixNames, moveToNamespace, placesFor, setReplicas } from "./meta.js";

/** Does what a transformer of kustomize's own asks for: the same as a kustomization's fields, for labels and annotations in places of its own. */
export function transformBuiltin(
  resources: readonly Resource[],
  { node, declaration }: { readonly node: TreeNode; readonly declaration: Declaration },
  { sources, told }: { readonly sources: Sources; readonly told: Told },
): readonly Resource[] {
  if (node.is !== "map") return told.refuse(node.at, "a transformer is a map") ?? resources;
  const transformer = read(node, sources, told);
  if (transformer === undefined) return resources;
  const { kind, labels, annotations, fieldSpecs } = transformer;
  const own = fieldSpecs.length > 0;
  if (own && kind === "LabelTransformer")
    return resources.map((resource) => addPairs(resource, labels, node.at, placesFor(fieldSpecs, resource)));
  if (own && kind === "AnnotationsTransformer")
    return resources.map((resource) => addPairs(resource, annotations, node.at, placesFor(fieldSpecs, resource)));
  for (const [index, { path }] of fieldSpecs.entries())
    if (path !== "metadata/name" && path !== "metadata/namespace" && path !== "subjects")
      told.refuse(
        locate(node, `fieldSpecs[${index}].path`),
        `a ${kind} for ${path} is not supported`,
        "",
        "not_supported",
      );
  const asked = { ...declaration, says: fieldsOf(transformer), at: () => node.at };
  return setReplicas(resources, asked, told)
    .map((resource) => moveToNamespace(resource, asked))
    .map((resource) => affixNames(resource, asked))
    .map((resource) => addLabels(resource, asked))
    .map((resource) => addAnnotations(resource, asked))
    .map((resource) => setImages(resource, asked));
}

function read(node: MapNode, sources: Sources, told: Told): Transformer | undefined {
  const { message, problems } = decodeMessage("KustomizationTransformer", node, sources.whole);
  told.problems.push(...problems);
  if (problems.length > 0) return undefined;
  // The schema that it was decoded by is the type's.
  const transformer = message as unknown as Transformer;
  const findings = new Findings();
  checkRules("KustomizationTransformer", transformer, [], findings);
  for (const { path, message: why } of findings.errors) told.refuse(locate(node, path), why, path);
  return findings.errors.length > 0 ? undefined : transformer;
}

/** The fields of a kustomization that do what the transformer does. */
function fieldsOf({
  kind,
  metadata,
  labels,
  annotations,
  prefix,
  suffix,
  imageTag,
  replica,
}: Transformer): Kustomization {
  return Kustomization.fromPartial({
    commonLabels: labels,
    commonAnnotations: annotations,
    namePrefix: prefix,
    nameSuffix: suffix,
    namespace: kind === "NamespaceTransformer" ? (metadata?.namespace ?? "") : "",
    images: imageTag === undefined ? [] : [imageTag],
    replicas: replica === undefined ? [] : [replica],
  });
}
