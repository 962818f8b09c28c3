import { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { FoundImage, type SearchImages, SearchImagesResponse } from "../../proto/gen/tallship/v1/images.js";
import type { View } from "../cache/view.js";
import { type NodeTaskDeps, nodesFor, resultsOf, runOnNode } from "./node-task.js";
import { loginsFor, registryHost } from "./registry-logins.js";

/** Images whose name holds the term: the cluster's, or those of a registry by a node that can reach it. */
export async function searchImages(
  deps: NodeTaskDeps,
  request: SearchImages,
  signal: AbortSignal,
): Promise<SearchImagesResponse> {
  const most = Math.min(request.limit || limit("imageSearchResults"), limit("imageSearchResults"));
  if (request.registry === "") {
    const images = ownRepositories(deps.view, request.term).slice(0, most);
    return SearchImagesResponse.fromPartial({ images });
  }
  const registry = registryHost(request.registry);
  const [node] = await nodesFor(deps, [], signal);
  if (node === undefined) throw new TallshipError("unavailable", "search: no node is Ready and connected");
  const logins = loginsFor(deps.view, request.namespace, [registry]);
  const task = { $case: "catalog", value: { registry, term: request.term, limit: most, logins } } as const;
  const parts = await resultsOf(runOnNode(deps, { nodeName: node.name, task }, signal));
  return SearchImagesResponse.fromPartial({
    images: parts.flatMap((part) => (part.$case === "found" ? [part.value] : [])),
  });
}

function ownRepositories(view: View, term: string): readonly FoundImage[] {
  const tags = new Map<string, string[]>();
  for (const { object } of view.list("Image")) {
    const name = object.metadata?.name ?? "";
    const colon = name.lastIndexOf(":");
    const repository = name.slice(0, colon);
    if (repository.includes(term)) tags.set(repository, [...(tags.get(repository) ?? []), name.slice(colon + 1)]);
  }
  return [...tags]
    .map(([repository, each]) => FoundImage.fromPartial({ repository, tags: each.sort() }))
    .sort((a, b) => (a.repository < b.repository ? -1 : 1));
}
