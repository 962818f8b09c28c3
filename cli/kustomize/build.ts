import { decodeMessage } from "../../kinds/decode.js";
import type { Problem } from "../../kinds/problem.js";
import { stripBom } from "../../kinds/yaml/source.js";
import type { TreeNode } from "../../kinds/yaml/tree.js";
import type { KustomizationReplacement } from "../../proto/gen/tallship/v1/kustomization.js";
import { absorb, addAll } from "./absorb.js";
import { type Declaration, FILE_NAMES, isComponent, readDeclaration } from "./declaration.js";
import { entriesOf, nodesAt, textAt } from "./fields.js";
import { type FileMap, isInline, isRemote, leavesFolder, pathIn } from "./files.js";
import { generate } from "./generate.js";
import { contentHash } from "./hash.js";
import { ordered } from "./order.js";
import { idOf, type Resource, renamed } from "./resource.js";
import { Sources } from "./sources.js";
import { Told } from "./told.js";
import { transformBuiltin } from "./transform/builtin.js";
import { setImages } from "./transform/images.js";
import { addAnnotations, addLabels, affixNames, moveToNamespace, noteMetadata, setReplicas } from "./transform/meta.js";
import { type LoadedPatch, patchResources } from "./transform/patches.js";
import { followNames } from "./transform/references.js";
import { replaceFields } from "./transform/replacements.js";
import { type PlacedVar, resolveVars } from "./transform/vars.js";

/** What a kustomization makes. Unless `problems` is empty, the objects are not to be used. */
export interface Built {
  readonly objects: readonly TreeNode[];
  /** The source of every place in the objects. */
  readonly sources: Sources;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Builds the kustomization of a folder from what it names. Pure: the same files always make the same objects. */
export function buildKustomization(dir: string, files: FileMap): Built {
  const build = new Build(files);
  const objects = build.whole(dir);
  return { objects, sources: build.sources, problems: build.told.problems, warnings: build.told.warnings };
}

/** One build: what it reads, and what it has to tell. */
class Build {
  readonly sources = new Sources();
  readonly told = new Told(this.sources);
  private readonly files: FileMap;
  private readonly vars: PlacedVar[] = [];

  constructor(files: FileMap) {
    this.files = files;
  }

  whole(dir: string): readonly TreeNode[] {
    this.sources.parse(dir, "");
    const declaration = this.declare(dir, this.sources.startOfLast);
    if (declaration === undefined) return [];
    if (isComponent(declaration))
      return this.told.refuse(declaration.root.at, "a Component is named by a kustomization; it is none itself") ?? [];
    const gathered = this.gather(declaration, [], []);
    if (this.told.problems.length > 0) return [];
    const hashed = gathered.map(withHash);
    const followed = followNames(hashed, this.told);
    const resolved = resolveVars(followed, this.vars, this.told);
    const { says } = declaration;
    return ordered(resolved, says.sortOptions)
      .filter(({ tree }) => textAt(tree, "metadata", "annotations", "config.kubernetes.io/local-config") !== "true")
      .map((resource) => noteMetadata(resource, says, declaration.at("buildMetadata")).tree);
  }

  /** The objects of a kustomization, all that it does to them done; a component starts with those of the kustomization that names it. */
  private gather(declaration: Declaration, start: readonly Resource[], above: readonly string[]): readonly Resource[] {
    const { says, at, dir } = declaration;
    const trail = [...above, dir];
    if (says.buildMetadata.includes("transformerAnnotations"))
      this.told.refuse(
        at("buildMetadata"),
        "not supported here: transformerAnnotations",
        "buildMetadata",
        "not_supported",
      );
    let resources = start;
    for (const field of ["resources", "bases"] as const)
      for (const [index, reference] of says[field].entries())
        resources = this.resource(declaration, { reference, at: at(field, index) }, { resources, trail });
    for (const field of ["configMapGenerator", "secretGenerator"] as const)
      for (const [index, generator] of says[field].entries()) {
        const read = (from: Declaration, path: string, place: number): Uint8Array | undefined =>
          this.bytes(from, path, place);
        const made = generate(generator, { declaration, field, index, read, told: this.told });
        resources = absorb(resources, { made, behavior: generator.behavior, at: at(field, index, "name") }, this.told);
      }
    for (const [index, reference] of says.components.entries())
      resources = this.component(declaration, { reference, at: at("components", index) }, { resources, trail });
    this.vars.push(...says.vars.map((variable, index) => ({ variable, at: at("vars", index) })));
    return this.transformed(declaration, resources).map((resource) => ({
      ...resource,
      layers: resource.layers.includes(dir) ? resource.layers : [...resource.layers, dir],
    }));
  }

  private transformed(declaration: Declaration, start: readonly Resource[]): readonly Resource[] {
    const { says, at } = declaration;
    let resources = start;
    for (const [index, text] of says.patchesStrategicMerge.entries())
      resources = this.patched(declaration, resources, { text, at: at("patchesStrategicMerge", index) });
    for (const [index, patch] of says.patches.entries())
      resources = this.patched(declaration, resources, { ...patch, at: at("patches", index) });
    resources = resources
      .map((resource) => moveToNamespace(resource, declaration))
      .map((resource) => affixNames(resource, declaration))
      .map((resource) => addLabels(resource, declaration))
      .map((resource) => addAnnotations(resource, declaration));
    for (const [index, patch] of says.patchesJson6902.entries())
      resources = this.patched(declaration, resources, { ...patch, at: at("patchesJson6902", index) });
    resources = setReplicas(resources, declaration, this.told).map((resource) => setImages(resource, declaration));
    for (const [index, replacement] of says.replacements.entries()) {
      const place = at("replacements", index);
      for (const one of this.replacements(declaration, replacement, place))
        resources = replaceFields(resources, { replacement: one, at: place }, this.told);
    }
    for (const [index, text] of says.transformers.entries()) {
      const place = at("transformers", index);
      const nodes = isInline(text) ? this.inline(declaration, text, place) : this.documents(declaration, text, place);
      for (const node of nodes ?? []) resources = transformBuiltin(resources, { node, declaration }, this);
    }
    return resources;
  }

  private resource(from: Declaration, named: Named, state: State): readonly Resource[] {
    const { reference, at } = named;
    if (isRemote(reference))
      return (
        this.told.refuse(
          at,
          `${reference}: bases are not fetched from the net; clone it and name its folder`,
          "",
          "not_supported",
        ) ?? state.resources
      );
    const path = pathIn(from.dir, reference).replace(/(.)\/+$/, "$1");
    if (this.files.get(path)?.is !== "folder")
      return addAll(state.resources, { made: this.objectsOf(from, named, path), at }, this.told);
    const declaration = this.enter(path, at, state.trail);
    if (declaration === undefined) return state.resources;
    if (isComponent(declaration))
      return this.told.refuse(at, `${path} is a Component: name it under components`) ?? state.resources;
    return addAll(state.resources, { made: this.gather(declaration, [], state.trail), at }, this.told);
  }

  private component(from: Declaration, { reference, at }: Named, { resources, trail }: State): readonly Resource[] {
    if (isRemote(reference))
      return (
        this.told.refuse(at, `${reference}: components are not fetched from the net`, "", "not_supported") ?? resources
      );
    const path = pathIn(from.dir, reference).replace(/(.)\/+$/, "$1");
    const declaration = this.enter(path, at, trail);
    if (declaration === undefined) return resources;
    if (!isComponent(declaration))
      return this.told.refuse(at, `${path} is no Component: name it under resources`) ?? resources;
    return this.gather(declaration, resources, trail);
  }

  private enter(path: string, at: number, trail: readonly string[]): Declaration | undefined {
    if (trail.includes(path))
      return this.told.refuse(at, `${path} is made of itself: ${[...trail, path].join(" names ")}`);
    return this.declare(path, at);
  }

  private declare(dir: string, at: number): Declaration | undefined {
    const there = FILE_NAMES.map((name) => pathIn(dir, name)).filter((path) => this.files.get(path)?.is === "file");
    const [path, second] = there;
    if (path === undefined)
      return this.told.refuse(at, `${dir} has no ${FILE_NAMES[0]}, ${FILE_NAMES[1]} or ${FILE_NAMES[2]}`);
    if (second !== undefined) return this.told.refuse(at, `${dir} has both ${path} and ${second}`);
    return readDeclaration({ dir, path, text: this.text(path) }, this.sources, this.told);
  }

  /** The objects of a file, those in lists one by one. */
  private objectsOf(from: Declaration, { reference, at }: Named, path: string): readonly Resource[] {
    if (this.bytes(from, reference, at) === undefined) return [];
    const parsed = this.sources.parse(path, this.text(path));
    this.told.problems.push(...parsed.problems);
    return parsed.documents.flatMap(entriesOf).flatMap((tree): readonly Resource[] => {
      if (tree.is !== "map")
        return this.told.refuse(tree.at, "want an object with apiVersion, kind and metadata") ?? [];
      const id = idOf({ tree });
      if (id.kind === "") return this.told.refuse(tree.at, "want kind: this object has none") ?? [];
      if (id.name === "") return this.told.refuse(tree.at, "want metadata.name: this object has none") ?? [];
      return [{ tree, formerIds: [], layers: [from.dir], needsHash: false, origin: path }];
    });
  }

  private patched(from: Declaration, resources: readonly Resource[], given: GivenPatch): readonly Resource[] {
    const { at, text, path = "", patch = "", target, options = {} } = given;
    const inline = text !== undefined && isInline(text) ? text : patch;
    const file = text !== undefined && !isInline(text) ? text : path;
    if ((file === "") === (inline === ""))
      return this.told.refuse(at, "a patch wants one of path and patch") ?? resources;
    const documents = file === "" ? this.inline(from, inline, at) : this.documents(from, file, at);
    if (documents === undefined) return resources;
    const loaded: LoadedPatch = { documents, patch: { target, options }, at };
    return patchResources(resources, loaded, this.told);
  }

  private inline(from: Declaration, text: string, at: number): readonly TreeNode[] | undefined {
    const { problems, documents } = this.sources.parse(`${from.path} (patch)`, text);
    for (const { message } of problems) this.told.refuse(at, `the patch: ${message}`);
    return problems.length > 0 ? undefined : documents.flatMap(entriesOf);
  }

  private documents(from: Declaration, file: string, at: number): readonly TreeNode[] | undefined {
    if (this.bytes(from, file, at) === undefined) return undefined;
    const path = pathIn(from.dir, file);
    const { problems, documents } = this.sources.parse(path, this.text(path));
    this.told.problems.push(...problems);
    return problems.length > 0 ? undefined : documents.flatMap(entriesOf);
  }

  /** A replacement, or those in the file that it names: one, or a list. */
  private replacements(
    from: Declaration,
    replacement: KustomizationReplacement,
    at: number,
  ): readonly KustomizationReplacement[] {
    if (replacement.path === "") return [replacement];
    const nodes = (this.documents(from, replacement.path, at) ?? []).flatMap((node) =>
      node.is === "list" ? node.items : [node],
    );
    return nodes.flatMap((node) => {
      if (node.is !== "map") return this.told.refuse(node.at, "a replacement is a map") ?? [];
      const { message, problems } = decodeMessage("KustomizationReplacement", node, this.sources.whole);
      this.told.problems.push(...problems);
      // The schema that it was decoded by is the type's.
      return problems.length > 0 ? [] : [message as unknown as KustomizationReplacement];
    });
  }

  private bytes(from: Declaration, reference: string, at: number): Uint8Array | undefined {
    if (leavesFolder(reference))
      return this.told.refuse(
        at,
        `${reference} is outside of ${from.dir}: files stand in the folder of their kustomization or below`,
      );
    const entry = this.files.get(pathIn(from.dir, reference));
    if (entry?.is === "file") return entry.bytes;
    if (entry?.is === "outside")
      return this.told.refuse(at, `${reference} is a link to ${entry.realPath}, outside of ${from.dir}`);
    const what = entry?.is === "folder" ? "is a folder" : "does not exist";
    return this.told.refuse(at, `${pathIn(from.dir, reference)} ${what}`);
  }

  private text(path: string): string {
    const entry = this.files.get(path);
    return entry?.is === "file" ? stripBom(Buffer.from(entry.bytes).toString("utf8")) : "";
  }
}

interface Named {
  readonly reference: string;
  readonly at: number;
}

interface State {
  readonly resources: readonly Resource[];
  readonly trail: readonly string[];
}

interface GivenPatch extends Partial<Pick<LoadedPatch["patch"], "target" | "options">> {
  /** Of patchesStrategicMerge: a file's name or the patch itself. */
  readonly text?: string;
  readonly path?: string;
  readonly patch?: string;
  readonly at: number;
}

/** A generated object's name with the hash of its contents. */
function withHash(resource: Resource): Resource {
  if (!resource.needsHash) return resource;
  const at = nodesAt(resource.tree, ["metadata", "name"])[0]?.at ?? resource.tree.at;
  return renamed(resource, `${idOf(resource).name}-${contentHash(resource.tree)}`, at);
}
