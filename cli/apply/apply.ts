import { encodeObject, metaOf, type Typed } from "../../kinds/object.js";
import type { ReadObject } from "../../kinds/read.js";
import { isKindName } from "../../kinds/registry.js";
import { isErrorCode, TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { ApplyRequest, type ApplyResponse, type ApplyResult } from "../../proto/gen/tallship/v1/api.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { chooseContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import type { FileFlags } from "../input/files.js";
import { readInput } from "../input/objects.js";
import { objectOf } from "../objects.js";
import { formatOf, printObjects } from "../print.js";
import type { Shell } from "../shell.js";
import { refText } from "../targets.js";
import { toldAlready } from "../verb.js";
import { waitUntilReady } from "../wait/ready.js";
import { setName } from "./set-name.js";

/** What `apply` was asked. */
export interface ApplyFlags extends ClusterFlags, FileFlags {
  readonly dryRun: string | undefined;
  readonly strict: boolean;
  readonly force: boolean;
  readonly set: string | undefined;
  readonly wait: boolean;
  readonly timeout: number | undefined;
  readonly output: string | undefined;
}

/** Reads and checks everything, sends it as one set and tells what came of each object. */
export async function runApply({ flags }: { readonly flags: ApplyFlags }, shell: Shell): Promise<number> {
  if (flags.dryRun === "client") return checkOnly(flags, shell);
  return withCluster(shell, flags, async (cluster) => {
    const objects = await readInput(shell, { ...flags, warn: true }, cluster);
    if (objects.length === 0) return nothingToDo(shell);
    const isDry = flags.dryRun === "server";
    const answer = await cluster.objects.apply(requests(objects, { flags, cluster, shell }), {
      signal: shell.signal,
      deadlineMs: APPLY_MS,
    });
    await tell(answer, objects, { flags, shell });
    const failed = answer.results.find(({ outcome }) => outcome === "failed");
    if (failed !== undefined) throw toldAlready(isErrorCode(failed.code) ? failed.code : "internal");
    if (!flags.wait || isDry) return EXIT.ok;
    const written = answer.results.flatMap(({ name, item }) =>
      name !== undefined && isKindName(name.kind)
        ? [{ key: { ...name, kind: name.kind }, revision: item?.revision ?? 0 }]
        : [],
    );
    return waitUntilReady({ shell, cluster, timeoutMs: flags.timeout ?? WAIT_MS }, written);
  });
}

const APPLY_MS = 600_000;
const WAIT_MS = 300_000;

/** Needs no cluster, only the context's namespace; without a context file it is "default". */
async function checkOnly(flags: ApplyFlags, shell: Shell): Promise<number> {
  const namespace = flags.namespace ?? (await contextNamespace(flags, shell)) ?? "default";
  const home = { namespace, isNamespaceAsked: flags.namespace !== undefined };
  const objects = await readInput(shell, { ...flags, warn: true }, home);
  if (objects.length === 0) return nothingToDo(shell);
  const format = formatOf(flags.output);
  const all = objects.map(({ typed }) => typed);
  if (format === "yaml" || format === "json" || format === "name")
    await shell.stdout.write(printObjects(all, format, all.length > 1));
  else await shell.stdout.write(all.map((typed) => `${refOf(typed)} valid (client dry run)\n`).join(""));
  return EXIT.ok;
}

async function contextNamespace(flags: ApplyFlags, shell: Shell): Promise<string | undefined> {
  try {
    return (await chooseContext(shell, flags)).namespace;
  } catch (error) {
    // A check needs no cluster unless one was named.
    if (flags.context !== undefined || flags.config !== undefined) throw error;
    return undefined;
  }
}

async function nothingToDo(shell: Shell): Promise<number> {
  await shell.stderr.write("error: the files hold no objects\n");
  throw toldAlready("invalid_argument");
}

async function* requests(
  objects: readonly ReadObject[],
  { flags, cluster, shell }: { readonly flags: ApplyFlags; readonly cluster: Cluster; readonly shell: Shell },
): AsyncGenerator<ApplyRequest> {
  const header = {
    set: flags.set ?? (await nameOfSet(flags, shell)),
    manager: "tsctl",
    dryRun: flags.dryRun === "server",
    force: flags.force,
    namespace: cluster.namespace,
  };
  yield ApplyRequest.fromPartial({ part: { $case: "header", value: header } });
  for (const { typed, place } of objects) {
    const object = encodeObject(typed);
    if (object.length > LIMITS.objectBytes.value)
      throw new TallshipError(
        "too_large",
        `${place}: ${refOf(typed)} has ${object.length} bytes, at most ${LIMITS.objectBytes.value} are stored`,
      );
    yield ApplyRequest.fromPartial({
      part: { $case: "document", value: { object: Buffer.from(object), source: place } },
    });
  }
}

/** A kustomization's set is named by the end of its folder's real path, so that it is the same from wherever it is applied. */
async function nameOfSet({ kustomize, filename }: FileFlags, shell: Shell): Promise<string> {
  if (kustomize === undefined) return setName(filename);
  const steps = (await shell.files.realPath(kustomize)).split("/").filter((step) => step !== "");
  return setName([steps.slice(-3).join("_")]);
}

async function tell(
  { results }: ApplyResponse,
  objects: readonly ReadObject[],
  { flags, shell }: { readonly flags: ApplyFlags; readonly shell: Shell },
): Promise<void> {
  const format = formatOf(flags.output);
  const written = results.filter(({ outcome }) => outcome !== "failed" && outcome !== "skipped");
  if (format === "yaml" || format === "json" || format === "name") {
    const all = written.flatMap(({ item }) => (item === undefined ? [] : [objectOf(item)]));
    await shell.stdout.write(printObjects(all, format, objects.length > 1));
  } else {
    const note = flags.dryRun === "server" ? " (server dry run)" : "";
    await shell.stdout.write(written.map((result) => `${refOfResult(result)} ${result.outcome}${note}\n`).join(""));
  }
  for (const [index, result] of results.entries())
    if (result.outcome === "failed") await shell.stderr.write(`error: ${failureText(result, objects[index])}\n`);
  const skipped = results.filter(({ outcome }) => outcome === "skipped").length;
  if (skipped > 0)
    await shell.stderr.write(`${skipped} other object${skipped === 1 ? " was" : "s were"} not written\n`);
}

/** The server's words; what it says without a place gets the document's. */
function failureText(result: ApplyResult, object: ReadObject | undefined): string {
  const place = object?.place ?? "";
  const message = result.message === "" ? result.code : result.message;
  return message.includes(place) ? message : `${place}: ${refOfResult(result)}: ${message}`;
}

function refOfResult({ name }: ApplyResult): string {
  if (name === undefined) return "object";
  return isKindName(name.kind) ? refText(name.kind, name.name) : `${name.kind}/${name.name}`;
}

function refOf(typed: Typed): string {
  return refText(typed.kind, metaOf(typed.object).name || `${metaOf(typed.object).generateName}…`);
}
