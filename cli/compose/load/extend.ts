import type { Variables } from "./interpolate.js";
import { folderOf, type Loading, readNamed } from "./loading.js";
import { mergeNodes } from "./merge.js";
import { type ComposeMap, type ComposeNode, childOf, without } from "./node.js";

/** Where a root stands. */
export interface Around {
  readonly folder: string;
  readonly variables: Variables;
}

/** The root with every service's `extends` resolved, in the same file or another one, however deep. */
export function extendServices(root: ComposeMap, around: Around, loading: Loading): ComposeMap {
  const services = childOf(root, "services");
  if (services?.is !== "map" || !services.entries.some(({ value }) => value.is === "map" && hasExtends(value)))
    return root;
  const entries = services.entries.map((entry) => ({
    ...entry,
    value: extended(entry.key, root, { ...around, loading, open: [] }) ?? entry.value,
  }));
  const others = root.entries.filter(({ key }) => key !== "services");
  const held = root.entries.filter(({ key }) => key === "services");
  return { ...root, entries: [...others, ...held.map((entry) => ({ ...entry, value: { ...services, entries } }))] };
}

function hasExtends(service: ComposeMap): boolean {
  return childOf(service, "extends") !== undefined;
}

interface Step extends Around {
  readonly loading: Loading;
  /** Services on the way here. */
  readonly open: readonly string[];
}

function extended(name: string, root: ComposeMap, step: Step): ComposeNode | undefined {
  const services = childOf(root, "services");
  const service = services?.is === "map" ? childOf(services, name) : undefined;
  const link = service?.is === "map" ? childOf(service, "extends") : undefined;
  if (service?.is !== "map" || link === undefined) return service;
  const { tell } = step.loading;
  const path = ["services", name, "extends"];
  if (step.open.includes(name)) {
    tell.problem(link.place, path, `${[...step.open, name].join(" extends ")}: a circle`);
    return undefined;
  }
  const own = without(service, ["extends"]);
  const target = link.is === "scalar" ? link : link.is === "map" ? childOf(link, "service") : undefined;
  if (target?.is !== "scalar" || target.text === "") {
    tell.problem(link.place, path, "want the name of a service, or service and file");
    return own;
  }
  const file = link.is === "map" ? childOf(link, "file") : undefined;
  const base =
    file?.is === "scalar"
      ? fromFile(file.text, target.text, { ...step, place: file })
      : extended(target.text, root, { ...step, open: [...step.open, name] });
  if (base === undefined) {
    if (step.loading.files.wanted.size === 0)
      tell.problem(target.place, path, `there is no service ${target.text} to extend`);
    return own;
  }
  return mergeNodes(base, own, ["services", name]);
}

function fromFile(
  file: string,
  service: string,
  { loading, folder, variables, place }: Step & { readonly place: ComposeNode },
): ComposeNode | undefined {
  const path = loading.files.resolve(folder, file);
  const key = `${path}#${service}`;
  if (loading.open.includes(key)) {
    loading.tell.problem(place.place, [], `${path} extends itself`);
    return undefined;
  }
  const parsed = readNamed(path, place.place, loading);
  if (parsed === undefined) return undefined;
  const inner = { ...loading, open: [...loading.open, key] };
  const root = loading.load({ parsed: [parsed], folder: folderOf(path), variables }, inner);
  const services = root === undefined ? undefined : childOf(root, "services");
  return services?.is === "map" ? childOf(services, service) : undefined;
}
