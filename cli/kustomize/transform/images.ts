import { scalarText, type TreeNode } from "../../../kinds/yaml/tree.js";
import type { KustomizationImage } from "../../../proto/gen/tallship/v1/kustomization.js";
import type { Declaration } from "../declaration.js";
import { editField, stringNode } from "../fields.js";
import { type Resource, withTree } from "../resource.js";

/** Replaces images wherever containers stand. */
export function setImages(resource: Resource, { says, at }: Declaration): Resource {
  const images = [
    ...says.images.map((image, index) => ({ image, at: at("images", index) })),
    ...says.imageTags.map((image, index) => ({ image, at: at("imageTags", index) })),
  ];
  if (images.length === 0) return resource;
  return withTree(resource, inContainers(resource.tree, images));
}

interface PlacedImage {
  readonly image: KustomizationImage;
  readonly at: number;
}

const LISTS: ReadonlySet<string> = new Set(["containers", "initContainers", "ephemeralContainers"]);

function inContainers(node: TreeNode, images: readonly PlacedImage[]): TreeNode {
  if (node.is === "scalar") return node;
  if (node.is === "list") return { ...node, items: node.items.map((item) => inContainers(item, images)) };
  const entries = node.entries.map((entry) => {
    const value = inContainers(entry.value, images);
    const isList = LISTS.has(entry.key) && value.is === "list";
    return {
      ...entry,
      value: isList ? editField(value, ["image"], "never", (image) => replaced(image, images)) : value,
    };
  });
  return { ...node, entries };
}

function replaced(node: TreeNode | undefined, images: readonly PlacedImage[]): TreeNode | undefined {
  return images.reduce((held, { image, at }) => {
    const text = scalarText(held);
    const changed = text === undefined ? undefined : newImage(text, image);
    return changed === undefined || changed === text ? held : stringNode(changed, at);
  }, node);
}

/** The image that takes the place of another; undefined when the rule is for another name. */
export function newImage(text: string, rule: KustomizationImage): string | undefined {
  const { name, tag, digest } = splitImage(text);
  if (name !== rule.name) return undefined;
  const isSet = rule.newTag !== "" || rule.digest !== "";
  const newTag =
    (isSet ? rule.newTag : tag) + (isSet && rule.newTag === "" ? "" : suffixFor(rule, isSet ? rule.newTag : tag));
  const newDigest = isSet ? rule.digest : digest;
  return `${rule.newName || name}${newTag === "" ? "" : `:${newTag}`}${newDigest === "" ? "" : `@${newDigest}`}`;
}

/** A suffix goes to a tag that is there. */
function suffixFor(rule: KustomizationImage, tag: string): string {
  return tag === "" ? "" : rule.tagSuffix;
}

function splitImage(text: string): { readonly name: string; readonly tag: string; readonly digest: string } {
  const [whole = "", digest = ""] = text.split("@");
  const colon = whole.indexOf(":", whole.lastIndexOf("/") + 1);
  if (colon === -1) return { name: whole, tag: "", digest };
  return { name: whole.slice(0, colon), tag: whole.slice(colon + 1), digest };
}
