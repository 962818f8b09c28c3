import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { asTallshipError, isErrorCode, TallshipError } from "../../lib/errors.js";
import { Pipe } from "../../lib/transport/pipe.js";
import type { CallContext } from "../../lib/transport/service.js";
import { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import { ImageOutput, type ImageTask, type PullImage, type RegistryLogin } from "../../proto/gen/tallship/v1/images.js";
import { nameImage } from "./name-image.js";
import { nodesFor, resultsOf, runOnNode } from "./node-task.js";
import type { PublishDeps } from "./publish-image.js";
import { loginsFor } from "./registry-logins.js";

interface Pulling {
  /** Whole name, without a digest unless that is all it is known by. */
  readonly name: string;
  /** What all nodes pull. */
  readonly pinned: string;
  readonly nodes: readonly string[];
  /** Empty for an image of the cluster's own. */
  readonly registryDigest: string;
  readonly task: NonNullable<ImageTask["task"]>;
}

/**
 * Makes an image present on nodes: its registry is asked once what the name stands for, then all pull those bytes, from each other where they can. The name becomes one of the cluster once a node
 * has it. Nodes that fail are told of; fails itself when none has it. An image of the cluster's own is brought to the nodes without asking a registry.
 */
export async function* pullImage(
  deps: PublishDeps,
  request: PullImage,
  context: CallContext,
): AsyncGenerator<ImageOutput> {
  const { signal } = context;
  const pulling = await prepared(deps, request, signal);
  const specs = new Map<string, ImageSpec>();
  const failures: ImageOutput[] = [];
  for await (const output of onAll(deps, pulling, specs, signal)) {
    if (output.part?.$case === "failed") failures.push(output);
    yield output;
  }
  const [spec] = [...specs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
  if (spec === undefined) throw failureOf(failures);
  if (pulling.registryDigest !== "" && parseReference(pulling.name).digest === undefined)
    await nameImage(deps, pulling.name, { ...spec, registryDigest: pulling.registryDigest }, context);
  const value = {
    names: [pulling.name],
    spec: { ...spec, registryDigest: pulling.registryDigest },
    nodes: [...specs.keys()].sort(),
  };
  yield ImageOutput.fromPartial({ part: { $case: "loaded", value } });
}

async function prepared(deps: PublishDeps, request: PullImage, signal: AbortSignal): Promise<Pulling> {
  const reference = parseReference(request.name);
  const name = formatReference(reference.digest === undefined ? reference : { ...reference, tag: undefined });
  const own = deps.view.get("Image", "", name)?.spec;
  const isOwn = own !== undefined && own.registryDigest === "";
  const nodes = await chosenNodes(deps, request.nodes, isOwn ? [own.digest] : [], signal);
  const first = nodes[0] ?? "";
  if (isOwn)
    return { name, pinned: name, nodes, registryDigest: "", task: { $case: "fetch", value: { name, spec: own } } };
  const logins = loginsFor(deps.view, request.namespace, [reference.host]);
  const registryDigest = reference.digest ?? (await resolved(deps, { nodeName: first, name, logins }, signal));
  const pinned = formatReference({ ...reference, tag: undefined, digest: registryDigest });
  return { name, pinned, nodes, registryDigest, task: { $case: "pull", value: { name: pinned, logins } } };
}

async function chosenNodes(
  deps: PublishDeps,
  asked: readonly string[],
  digests: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const usable = (await nodesFor(deps, digests, signal)).map(({ name }) => name);
  const absent = asked.find((name) => !usable.includes(name));
  if (absent !== undefined && deps.view.get("Node", "", absent) === undefined)
    throw new TallshipError("not_found", `pull: there is no node ${absent}`);
  if (absent !== undefined) throw new TallshipError("unavailable", `pull: node ${absent} is not Ready and connected`);
  if (usable.length === 0) throw new TallshipError("unavailable", "pull: no node is Ready and connected");
  return asked.length === 0 ? usable : [...new Set(asked)];
}

async function resolved(
  deps: PublishDeps,
  { nodeName, name, logins }: { readonly nodeName: string; readonly name: string; readonly logins: RegistryLogin[] },
  signal: AbortSignal,
): Promise<string> {
  const task = { $case: "resolve", value: { name, logins } } as const;
  for (const part of await resultsOf(runOnNode(deps, { nodeName, task }, signal)))
    if (part.$case === "resolved") return part.value;
  throw new TallshipError("internal", `node ${nodeName} does not say what ${name} stands for`);
}

/** Has all nodes work at once; what they do of it as they do, how far they are as one. */
function onAll(
  deps: PublishDeps,
  { nodes, task }: Pulling,
  specs: Map<string, ImageSpec>,
  signal: AbortSignal,
): AsyncIterable<ImageOutput> {
  const outputs = new Pipe<ImageOutput>(1);
  const progress = new Map<string, { readonly bytesDone: number; readonly bytesTotal: number }>();
  const step = nodes.length === 1 ? `pulling to ${nodes[0]}` : `pulling to ${nodes.length} nodes`;
  const sum = (of: "bytesDone" | "bytesTotal"): number =>
    [...progress.values()].reduce((total, each) => total + each[of], 0);
  const work = async (nodeName: string): Promise<void> => {
    let spec = task.$case === "fetch" ? task.value.spec : undefined;
    for await (const { part } of runOnNode(deps, { nodeName, task }, signal)) {
      if (part?.$case === "loaded") spec = part.value.spec;
      if (part?.$case !== "progress") continue;
      progress.set(nodeName, part.value);
      const value = { step, bytesDone: sum("bytesDone"), bytesTotal: sum("bytesTotal") };
      outputs.push(ImageOutput.fromPartial({ part: { $case: "progress", value } }));
    }
    specs.set(nodeName, spec ?? ImageSpec.fromPartial({}));
  };
  const all = nodes.map((name) =>
    work(name).catch((error: unknown) => {
      const { code, message } = asTallshipError(error);
      outputs.push(ImageOutput.fromPartial({ part: { $case: "failed", value: { name, code, message } } }));
    }),
  );
  void Promise.all(all).then(() => outputs.end());
  return outputs;
}

function failureOf(failures: readonly ImageOutput[]): TallshipError {
  const [first] = failures.flatMap(({ part }) => (part?.$case === "failed" ? [part.value] : []));
  const code = first !== undefined && isErrorCode(first.code) ? first.code : "unavailable";
  return new TallshipError(code, first?.message ?? "pull: no node answered");
}
