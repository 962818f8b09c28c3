import { extendServices } from "./extend.js";
import { includeProjects } from "./include.js";
import { interpolateTree, type Variables } from "./interpolate.js";
import type { FileSet, Loading } from "./loading.js";
import { mergeNodes, withoutTags } from "./merge.js";
import { type ComposeMap, type ComposeNode, composeTree } from "./node.js";

/** The files as one tree: variables put in, included and extended parts resolved, the later laid over the earlier. */
export function loadFiles({ parsed, folder, variables }: FileSet, loading: Loading): ComposeMap | undefined {
  const roots = parsed.flatMap((each) => {
    loading.tell.problems.push(...each.problems);
    loading.folders.set(each.source, folder);
    return each.documents.flatMap((document) => rootOf(composeTree(document, each), variables, loading));
  });
  let whole: ComposeMap | undefined;
  for (const root of roots) {
    const included = includeProjects(root, { folder, variables }, loading);
    const extended = extendServices(included, { folder, variables }, loading);
    const merged = whole === undefined ? withoutTags(extended) : mergeNodes(whole, extended, []);
    if (merged?.is === "map") whole = merged;
  }
  return whole;
}

function rootOf(tree: ComposeNode, variables: Variables, { tell }: Loading): readonly ComposeMap[] {
  const root = interpolateTree(tree, variables, (node, { wrong, unset }) => {
    if (wrong !== undefined) tell.problem(node.place, [], wrong);
    if (unset !== undefined) tell.note(node.place, [], `variable ${unset} is not set: it stands for nothing here`);
  });
  if (root.is === "map") return [root];
  tell.problem(root.place, [], "want a map at the top of a compose file");
  return [];
}
