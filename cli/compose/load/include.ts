import type { Around } from "./extend.js";
import { folderOf, type Loading, readNamed, withDotenv } from "./loading.js";
import { type ComposeEntry, type ComposeMap, type ComposeNode, childOf, without } from "./node.js";

/** Parts of a model that an included one adds to. */
const PARTS = ["services", "networks", "volumes", "configs", "secrets"] as const;

/** The root with the models that it includes; each has its own variables and folder, and what two define is an error. */
export function includeProjects(root: ComposeMap, around: Around, loading: Loading): ComposeMap {
  const include = childOf(root, "include");
  if (include === undefined) return root;
  if (include.is !== "list") {
    loading.tell.problem(include.place, ["include"], "want a list");
    return root;
  }
  let whole = without(root, ["include"]);
  for (const item of include.items) {
    const model = includedModel(item, around, loading);
    if (model !== undefined) whole = joined(whole, model, loading);
  }
  return whole;
}

function includedModel(item: ComposeNode, around: Around, loading: Loading): ComposeMap | undefined {
  const part = (key: string): ComposeNode | undefined => (item.is === "map" ? childOf(item, key) : undefined);
  const paths = textsOf(item.is === "scalar" ? item : part("path"));
  const [first] = paths;
  if (first === undefined) {
    loading.tell.problem(item.place, ["include"], "want the path of a compose file");
    return undefined;
  }
  const found = paths.map((path) => loading.files.resolve(around.folder, path));
  const path = found[0] ?? first;
  if (loading.open.includes(path)) {
    loading.tell.problem(item.place, ["include"], `${path} includes itself`);
    return undefined;
  }
  const [own] = textsOf(part("project_directory"));
  const folder = own === undefined ? folderOf(path) : loading.files.resolve(around.folder, own);
  const named = textsOf(part("env_file")).map((file) => loading.files.resolve(around.folder, file));
  const dotenv =
    named.length > 0
      ? named.map((file) => ({ path: file, isNeeded: true, place: item.place }))
      : [{ path: loading.files.resolve(folder, ".env"), isNeeded: false }];
  const parsed = found.flatMap((file) => readNamed(file, item.place, loading) ?? []);
  const inner = { ...loading, open: [...loading.open, path] };
  return loading.load({ parsed, folder, variables: withDotenv(around.variables, dotenv, loading) }, inner);
}

function textsOf(node: ComposeNode | undefined): readonly string[] {
  if (node?.is === "scalar") return [node.text];
  return node?.is === "list" ? node.items.flatMap((item) => (item.is === "scalar" ? [item.text] : [])) : [];
}

function joined(root: ComposeMap, model: ComposeMap, { tell }: Loading): ComposeMap {
  const parts = PARTS.flatMap((part): readonly ComposeEntry[] => {
    const [own, other] = [childOf(root, part), childOf(model, part)];
    if (other?.is !== "map" || (own !== undefined && own.is !== "map")) return [];
    const before = own?.entries ?? [];
    for (const entry of other.entries)
      if (before.some(({ key }) => key === entry.key))
        tell.problem(entry.place, [part, entry.key], `an included file defines ${entry.key} too`, "already_exists");
    const added = other.entries.filter(({ key }) => !before.some((entry) => entry.key === key));
    return [{ key: part, place: own?.place ?? other.place, value: { ...other, entries: [...before, ...added] } }];
  });
  const kept = root.entries.filter(({ key }) => !parts.some((part) => part.key === key));
  return { ...root, entries: [...kept, ...parts] };
}
