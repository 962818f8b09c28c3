import { TallshipError } from "../lib/errors.js";
import { asList, asObject, asTextMap, asTexts, type JsonObject } from "../lib/json-shape.js";

/** How an image is run: the `config` of an image's config, in Docker's words. */
export type RunConfig = JsonObject;

/**
 * How an image is run after instructions of a Dockerfile, as `docker commit --change` takes them: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR.
 * Throws invalid_argument for any other.
 */
export function changedConfig(config: RunConfig, changes: readonly string[]): RunConfig {
  let changed = config;
  for (const text of changes) changed = { ...changed, ...changeOf(changed, text) };
  return changed;
}

function changeOf(before: RunConfig, text: string): RunConfig {
  const [, verb = "", rest = ""] = /^\s*(\w+)\s+(.*?)\s*$/s.exec(text) ?? [];
  const change = CHANGES[verb.toUpperCase()];
  if (rest === "" || change === undefined || !Object.hasOwn(CHANGES, verb.toUpperCase()))
    throw wrong(text, `want one of ${Object.keys(CHANGES).join(", ")} and what it is to be`);
  return change(rest, before, text);
}

type Change = (rest: string, before: RunConfig, text: string) => RunConfig;

const CHANGES: Readonly<Record<string, Change>> = {
  CMD: (rest) => ({ Cmd: commandIn(rest) }),
  // As in a Dockerfile: what the command was said for is gone.
  ENTRYPOINT: (rest) => ({ Entrypoint: commandIn(rest), Cmd: undefined }),
  ENV: (rest, before, text) => {
    const given = pairsIn(rest, text);
    const kept = asTexts(before["Env"]).filter((each) => !given.some(([name]) => each.startsWith(`${name}=`)));
    return { Env: [...kept, ...given.map(([name, value]) => `${name}=${value}`)] };
  },
  EXPOSE: (rest, before, text) => {
    const ports = wordsIn(rest).map((port) => (/^\d+(-\d+)?$/.test(port) ? `${port}/tcp` : port.toLowerCase()));
    const strange = ports.find((port) => !/^\d{1,5}(-\d{1,5})?\/(tcp|udp|sctp)$/.test(port));
    if (strange !== undefined) throw wrong(text, `${strange} is no port`);
    return { ExposedPorts: { ...asObject(before["ExposedPorts"]), ...emptyEach(ports) } };
  },
  LABEL: (rest, before, text) => ({
    Labels: { ...asTextMap(before["Labels"]), ...Object.fromEntries(pairsIn(rest, text)) },
  }),
  ONBUILD: (rest, before) => ({ OnBuild: [...asTexts(before["OnBuild"]), rest] }),
  STOPSIGNAL: (rest) => ({ StopSignal: rest }),
  USER: (rest) => ({ User: wordsIn(rest)[0] ?? "" }),
  VOLUME: (rest, before) => ({
    Volumes: { ...asObject(before["Volumes"]), ...emptyEach(listIn(rest) ?? wordsIn(rest)) },
  }),
  WORKDIR: (rest, before) => {
    const folder = wordsIn(rest)[0] ?? "";
    const from = typeof before["WorkingDir"] === "string" ? before["WorkingDir"].replace(/\/$/, "") : "";
    return { WorkingDir: folder.startsWith("/") ? folder : `${from}/${folder}` };
  },
};

/** A list in JSON is a command as it stands, anything else one for a shell. */
function commandIn(rest: string): readonly string[] {
  return listIn(rest) ?? ["/bin/sh", "-c", rest];
}

/** The texts of a list in JSON; undefined when it is none. */
function listIn(rest: string): readonly string[] | undefined {
  if (!rest.startsWith("[")) return undefined;
  try {
    const found = asList(JSON.parse(rest));
    return found.every((each) => typeof each === "string") ? asTexts(found) : undefined;
  } catch {
    return undefined;
  }
}

/** NAME=VALUE each, or one NAME VALUE. */
function pairsIn(rest: string, text: string): readonly (readonly [string, string])[] {
  const words = wordsIn(rest);
  const [first = "", ...others] = words;
  if (!first.includes("=") && others.length > 0) return [[first, rest.slice(rest.search(/\s/)).trim()]];
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 1) throw wrong(text, `${word} is not NAME=VALUE`);
    return [word.slice(0, equals), word.slice(equals + 1)] as const;
  });
}

/** Words, with quotes around blanks taken off. */
function wordsIn(text: string): readonly string[] {
  const found = text.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/gs) ?? [];
  return found.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? "") : double.replace(/\\(["\\$])/g, "$1"),
    ),
  );
}

function emptyEach(keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, {}]));
}

function wrong(text: string, why: string): TallshipError {
  return new TallshipError("invalid_argument", `change ${JSON.stringify(text)}: ${why}`);
}
