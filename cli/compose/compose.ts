import { basename } from "node:path";
import type { Problem } from "../../kinds/problem.js";
import { type ReadObject, type ReadOptions, type ReadResult, readObjects } from "../../kinds/read.js";
import type { ParsedYaml } from "../../kinds/yaml/parsed.js";
import { placeText, type Source } from "../../kinds/yaml/source.js";
import type { Variables } from "./load/interpolate.js";
import { loadFiles } from "./load/load.js";
import { withDotenv } from "./load/loading.js";
import { FileLookup, type KnownFiles } from "./load/lookup.js";
import type { ComposeMap, Place } from "./load/node.js";
import { Teller } from "./load/tell.js";
import { type ProjectModel, project } from "./model/project.js";
import { type ServiceBuild, serviceBuilds } from "./translate/build.js";
import { dnsName, projectNameOf } from "./translate/names.js";
import { type Placed, treeOf } from "./translate/part.js";
import { translateProject } from "./translate/translate.js";

/** What a project is translated from; all of it has been read before. */
export interface ComposeInput {
  /** The files, in the order in which each lies over the ones before. */
  readonly parsed: readonly ParsedYaml[];
  /** Folder that relative paths are seen from. */
  readonly folder: string;
  /** The same as an absolute path: its name is the project's when nothing else names it. */
  readonly absoluteFolder: string;
  readonly environment: Variables;
  /** Files of variables instead of `.env`. */
  readonly envFiles: readonly string[];
  readonly projectName: string | undefined;
  readonly profiles: readonly string[];
  /** Services that are on whatever their profiles. */
  readonly named: readonly string[];
  /** The namespace the user asked for; undefined: one of the project's own, named after it. */
  readonly namespace: string | undefined;
  /** The user's files, as far as they have been read. */
  readonly known: KnownFiles;
}

/** A project as objects. Unless `problems` is empty nothing may be written; `wanted` names files that must be read first. */
export interface ComposeProject {
  readonly name: string;
  readonly namespace: string;
  readonly model: ProjectModel;
  /** The merged files, for `config`. */
  readonly merged: ComposeMap | undefined;
  readonly objects: readonly ReadObject[];
  /** Images that are built before the objects are made. */
  readonly builds: readonly ServiceBuild[];
  readonly problems: readonly Problem[];
  /** What has no effect here, or another one. */
  readonly notes: readonly Problem[];
  readonly wanted: ReadonlySet<string>;
}

/** Translates compose files to Kubernetes objects. Pure: the same input gives the same project. */
export function composeProject(input: ComposeInput): ComposeProject {
  const tell = new Teller();
  const files = new FileLookup(input.known, input.environment.get("HOME") ?? "/");
  const loading = { files, tell, folders: new Map<Source, string>(), open: [], load: loadFiles };
  const dotenv =
    input.envFiles.length > 0
      ? input.envFiles.map((path) => ({ path, isNeeded: true }))
      : [{ path: files.resolve(input.folder, ".env"), isNeeded: false }];
  const variables = withDotenv(input.environment, dotenv, loading);
  const firstName = nameOf(input, variables, undefined);
  const named = new Map([...variables, ["COMPOSE_PROJECT_NAME", firstName]]);
  const merged = loadFiles({ parsed: input.parsed, folder: input.folder, variables: named }, loading);
  const model = (merged === undefined ? undefined : project(merged, { tell, path: [] })) ?? {};
  const name = nameOf(input, variables, model.name?.value);
  const namespace = input.namespace ?? dnsName(name);
  if (merged !== undefined && model.services === undefined) tell.problem(merged.place, [], "want services");
  if (name === "" && merged !== undefined)
    tell.problem(merged.place, ["name"], "the project has no name: write name, or use -p");
  const folderOf = ({ source }: Place): string => loading.folders.get(source) ?? input.folder;
  const placed = translateProject({
    ...{ name, model, files, tell, variables: named, root: input.folder },
    folderOf,
    profiles: new Set(
      [...input.profiles, ...(variables.get("COMPOSE_PROFILES") ?? "").split(",")].filter((each) => each !== ""),
    ),
    named: input.named,
    ownNamespace: input.namespace === undefined ? namespace : undefined,
  });
  const read =
    tell.problems.length > 0 || files.wanted.size > 0
      ? NOTHING_READ
      : readPlaced(placed, { namespace, isNamespaceAsked: false });
  return {
    name,
    namespace,
    model,
    merged,
    objects: read.objects,
    builds:
      tell.problems.length > 0 ? [] : serviceBuilds(model, name, (place, path) => files.resolve(folderOf(place), path)),
    problems: [...tell.problems, ...read.problems],
    notes: [...tell.notes, ...read.warnings],
    wanted: files.wanted,
  };
}

const NOTHING_READ: ReadResult = { objects: [], problems: [], warnings: [] };

/** As docker does: what the user says, COMPOSE_PROJECT_NAME, the files' name, the folder's name. */
function nameOf(
  { projectName, absoluteFolder }: ComposeInput,
  variables: Variables,
  inFiles: string | undefined,
): string {
  const asked = projectName ?? variables.get("COMPOSE_PROJECT_NAME");
  if (asked !== undefined && asked !== "") return projectNameOf(asked);
  return projectNameOf(inFiles ?? basename(absoluteFolder));
}

/** Objects made of pieces, checked as every manifest is; what is wrong is told where the piece comes from. */
function readPlaced(placed: readonly Placed[], options: ReadOptions): ReadResult {
  const places: Place[] = [];
  // Offsets are indexes of places, one to a line: the line of an object is the index of its place.
  const source: Source = { name: "compose", text: "" };
  const documents = placed.map((part) => treeOf(part, places));
  source.lineStarts = places.map((_, at) => at);
  const result = readObjects([{ source, documents, problems: [] }], options);
  const placeOf = (at: number): Place => places[at] ?? { source, at: 0 };
  const moved = (problem: Problem): Problem => ({ ...problem, ...placeOf(problem.at) });
  return {
    objects: result.objects.map((object) => ({ ...object, place: placeNamed(object.place, placeOf) })),
    problems: result.problems.map(moved),
    warnings: result.warnings.map(moved),
  };
}

function placeNamed(place: string, placeOf: (at: number) => Place): string {
  const line = Number(place.split(":")[1] ?? "1");
  const found = placeOf(line - 1);
  return placeText(found.source, found.at);
}
