import type { ObjectPatch, PatchForm } from "../../kinds/patch/patch-object.js";
import { problemText } from "../../kinds/problem.js";
import { parseLazily } from "../../kinds/yaml/parse-lazily.js";
import { type Source, stripBom } from "../../kinds/yaml/source.js";
import { TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { type ChangeFlags, withChanges } from "../change/each.js";
import { keysInFiles } from "../chosen.js";
import { type FileFlags, namesFiles } from "../input/files.js";
import { keyIn } from "../objects.js";
import { isScalable } from "../scale/scale.js";
import type { Shell } from "../shell.js";
import { readTargets } from "../targets.js";
import { toldAlready, usageError } from "../verb.js";
import { checkResizePatch, checkScalePatch, checkStatusPatch } from "./subresource.js";

/** What `patch` was asked. */
export interface PatchFlags extends ChangeFlags, FileFlags {
  readonly patch: string | undefined;
  readonly patchFile: string | undefined;
  readonly type: string | undefined;
  readonly subresource: string | undefined;
}

/** Patches each object named; the patch is read once, and what is wrong with it is told at its place. */
export async function runPatch(
  { flags, operands }: { readonly flags: PatchFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const isByFile = namesFiles(flags);
  if (isByFile && operands.length > 0) throw usageError("name objects or files, not both");
  const targets = isByFile ? [] : readTargets(operands);
  if (!isByFile && targets.some(({ names }) => names.length === 0))
    throw usageError("name the objects to patch: TYPE NAME or TYPE/NAME");
  const patch = await readPatch(flags, shell);
  if (flags.subresource === "resize") checkResizePatch(patch);
  if (flags.subresource === "status") checkStatusPatch(patch);
  if (flags.subresource === "scale") checkScalePatch(patch);
  return withChanges(flags, shell, async ({ cluster, each }) => {
    const keys = isByFile
      ? await keysInFiles(shell, flags, cluster)
      : targets.flatMap(({ kind, names }) => names.map((name) => keyIn(kind, cluster.namespace, name)));
    return each(keys, () => ({
      plan: (live) => {
        if (flags.subresource === "resize" && live.kind !== "Pod")
          throw new TallshipError("not_found", `${live.kind} has no subresource resize: pods have`);
        if (flags.subresource === "scale" && !isScalable(live.kind))
          throw new TallshipError("not_found", `${live.kind} has no subresource scale: it has no replicas`);
        return patch;
      },
      told: ({ isChanged }) => (isChanged ? "patched" : "patched (no change)"),
    }));
  });
}

async function readPatch(flags: PatchFlags, shell: Shell): Promise<ObjectPatch> {
  const source = await patchSource(flags, shell);
  const { documents, problems } = await parseLazily(source);
  for (const problem of problems) await shell.stderr.write(`error: ${problemText(problem)}\n`);
  if (problems.length > 0) throw toldAlready("invalid_argument");
  const [tree, ...others] = documents;
  if (tree === undefined || others.length > 0) throw usageError("a patch is one document of YAML or JSON");
  const form = formOf(flags.type);
  if ((tree.is === "list") !== (form === "json"))
    throw usageError(
      form === "json"
        ? "a patch of --type=json is a list of operations"
        : `a patch of --type=${form} is a map of fields; a list of operations needs --type=json`,
    );
  return { form, tree, source };
}

function formOf(type: string | undefined): PatchForm {
  return type === "json" || type === "merge" ? type : "strategic";
}

async function patchSource({ patch, patchFile }: PatchFlags, shell: Shell): Promise<Source> {
  if (patch !== undefined && patchFile !== undefined) throw usageError("-p and --patch-file are two patches");
  if (patch !== undefined) return { name: "patch", text: patch };
  if (patchFile === undefined) throw usageError("give the patch: -p PATCH or --patch-file FILE");
  if (patchFile === "-") return { name: "stdin", text: stripBom(await shell.stdin.readAll(LIMITS.yamlBytes.value)) };
  return { name: patchFile, text: stripBom(await shell.files.read(patchFile)) };
}
