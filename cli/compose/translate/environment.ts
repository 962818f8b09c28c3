import { stripBom } from "../../../kinds/yaml/source.js";
import { readDotenv, readRawEnv } from "../load/dotenv.js";
import type { Place } from "../load/node.js";
import { noteField, type ServiceContext } from "./context.js";
import { isLabelName, isLabelValue } from "./names.js";
import { at, type Part } from "./part.js";

interface Variable {
  readonly value: string;
  readonly place: Place;
}

/** The variables of the service's containers: those of its files, then its own, which win. A name without a value is the user's own variable. */
export function environmentParts(context: ServiceContext): readonly Part[] {
  const all = new Map<string, Variable>(filedVariables(context));
  for (const [name, { value, place }] of context.service.model.environment?.value ?? []) {
    const found = value ?? context.variables.get(name);
    if (found === undefined) all.delete(name);
    else all.set(name, { value: found, place });
  }
  return [...all].map(([name, { value, place }]) => at(place, { name, value: verbatim(value) }));
}

/** Kubernetes puts variables into `$(NAME)`, docker does not: what looks like one is kept as it is. */
export function verbatim(text: string): string {
  return text.replace(/\$(?=\$*\()/g, "$$$$");
}

function filedVariables(context: ServiceContext): ReadonlyMap<string, Variable> {
  const all = new Map<string, Variable>();
  for (const { value: use, place } of context.service.model.env_file?.value ?? []) {
    const { path, required, format } = use;
    if (path === undefined) {
      context.tell.problem(place, [...context.path, "env_file"], "want path");
      continue;
    }
    const file = context.files.resolve(context.folderOf(path.place), path.value);
    const text = context.files.text(file);
    if (text === undefined) {
      if (required?.value !== false && !context.files.wanted.has(file))
        context.tell.problem(place, [...context.path, "env_file"], `there is no file ${file}`);
      continue;
    }
    if (format?.value === "raw") {
      for (const [name, value] of readRawEnv(stripBom(text), context.variables)) all.set(name, { value, place });
      continue;
    }
    const read = readDotenv(stripBom(text), context.variables);
    if (read.is === "wrong") context.tell.problem({ source: { name: file, text }, at: read.at }, [], read.why);
    else for (const [name, value] of read.all) all.set(name, { value, place });
  }
  return all;
}

/** Labels as Kubernetes has them, and as annotations those whose names or values it does not allow as labels. */
export function labelParts(context: ServiceContext): {
  readonly labels: Record<string, Part>;
  readonly annotations: Record<string, Part>;
} {
  const labels: Record<string, Part> = {};
  const annotations: Record<string, Part> = {};
  const { model } = context.service;
  for (const [name, { value = "", place }] of model.labels?.value ?? []) {
    if (isLabelName(name) && isLabelValue(value)) labels[name] = at(place, value);
    else {
      annotations[name] = at(place, value);
      noteField(
        context,
        "labels",
        place,
        `${name} is an annotation of the pods: a label allows no such ${isLabelName(name) ? "value" : "name"}`,
      );
    }
  }
  for (const [name, { value = "", place }] of model.annotations?.value ?? []) annotations[name] = at(place, value);
  return { labels, annotations };
}
