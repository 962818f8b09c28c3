import { createHash } from "node:crypto";
import { formatReference, parseReference } from "../../kinds/image-reference.js";
import { imagesOf } from "../../kinds/pod-images.js";
import type { ContentWant } from "../../proto/gen/tallship/v1/fabric.js";
import type { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import type { ImageTask } from "../../proto/gen/tallship/v1/images.js";
import type { View } from "../cache/view.js";

/** All content of an image of the cluster. */
export function contentOf({ digest, configDigest, layers }: ImageSpec): readonly string[] {
  return [digest, configDigest, ...layers.map((layer) => layer.digest)];
}

/** What an image of some registry consists of, by its manifest's own word. */
export interface NotedManifest {
  readonly digest: string;
  readonly content: ReadonlySet<string>;
}

/** What is known of a node that wants content. */
export interface NodeWord {
  /** Manifests that it has shown. */
  readonly noted: ReadonlyMap<string, NotedManifest>;
  /** Where operators have it take images from. */
  readonly repositories: ReadonlySet<string>;
}

/** Reads a manifest or index for the digests that it points to; none when it is malformed. */
export function notedManifest(bytes: Uint8Array): NotedManifest {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  return { digest, content: new Set(pointedTo(bytes)) };
}

function pointedTo(bytes: Uint8Array): readonly string[] {
  let found: unknown;
  try {
    found = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return []; // What is no manifest belongs to no image.
  }
  return ["config", "layers", "manifests"].flatMap((field) => {
    const value = fieldOf(found, field);
    return (Array.isArray(value) ? value : [value]).flatMap((each: unknown) => {
      const digest = fieldOf(each, "digest");
      return typeof digest === "string" ? [digest] : [];
    });
  });
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([name]) => name === field)?.[1]
    : undefined;
}

/** Where an operator has a node take images from, so that it may fetch their content though no pod on it names them. */
export function repositoriesOf(task: ImageTask["task"]): readonly string[] {
  const names = task?.$case === "build" ? task.value.bases.map(({ name }) => name) : [];
  if (task?.$case === "pull") names.push(task.value.name);
  return names.flatMap((name) => repositoryOf(name) ?? []);
}

/**
 * Whether a node may get content from others: a pod bound to it names the repository, or an operator has it work with that, and the content belongs to an image of it, by the word of an Image object or of a manifest that the
 * node has shown. Who has no manifest knows no digests, and who has one got it from a registry that let it.
 */
export function mayFetch(view: View, nodeName: string, want: ContentWant, { noted, repositories }: NodeWord): boolean {
  if (!repositories.has(want.repository) && !namesRepository(view, nodeName, want.repository)) return false;
  if (noted.get(want.manifest)?.content.has(want.digest) === true) return true;
  return view.list("Image").some(({ object: { metadata, spec } }) => {
    const isOfRepository = repositoryOf(metadata?.name ?? "") === want.repository;
    // Of what came from a registry its manifest is the key, and the registry gives that.
    return isOfRepository && spec !== undefined && spec.registryDigest === "" && contentOf(spec).includes(want.digest);
  });
}

function namesRepository(view: View, nodeName: string, repository: string): boolean {
  return view
    .podsOnNode(nodeName)
    .some(({ object }) => imagesOf(object).some((image) => repositoryOf(image) === repository));
}

function repositoryOf(image: string): string | undefined {
  try {
    return formatReference({ ...parseReference(image), tag: undefined, digest: undefined });
  } catch {
    return undefined; // Names no repository.
  }
}
