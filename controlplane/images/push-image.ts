import { parseReference } from "../../kinds/image-reference.js";
import { TallshipError } from "../../lib/errors.js";
import type { ImageOutput, PushImage } from "../../proto/gen/tallship/v1/images.js";
import { contentOf } from "../fabric/may-fetch.js";
import { imageNameOf } from "./build-bases.js";
import { findImage } from "./look-at-images.js";
import { type NodeTaskDeps, nodesFor, runOnNode } from "./node-task.js";
import { loginsFor } from "./registry-logins.js";

/** Sends an image of the cluster to a registry, from the node that holds most of it; what that lacks it fetches first. */
export async function* pushImage(
  deps: NodeTaskDeps,
  { name, to, namespace }: PushImage,
  signal: AbortSignal,
): AsyncGenerator<ImageOutput> {
  const image = findImage(deps.view, name);
  const target = imageNameOf(to === "" ? image.name : to);
  const { host } = parseReference(target);
  const [node] = await nodesFor(deps, contentOf(image.spec), signal);
  if (node === undefined) throw new TallshipError("unavailable", "push: no node is Ready and connected");
  const nodeName = node.name;
  yield* runOnNode(deps, { nodeName, task: { $case: "fetch", value: image } }, signal);
  const value = { image, to: target, logins: loginsFor(deps.view, namespace, [host]) };
  yield* runOnNode(deps, { nodeName, task: { $case: "push", value } }, signal);
}
