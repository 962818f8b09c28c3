import { ageText } from "../../kinds/age.js";
import { bytesText } from "../../kinds/bytes-text.js";
import { shortDigest } from "../../kinds/columns/image.js";
import type { HeldImage } from "../../proto/gen/tallship/v1/images.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { formatRows } from "../output/row-format.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";

/** What `image ls` was asked. */
export interface ListFlags extends ClusterFlags {
  readonly quiet: boolean;
  readonly digests: boolean;
  readonly noTrunc: boolean;
  readonly filter: readonly string[];
  readonly format: string | undefined;
}

/** Lists the cluster's images, as docker images does, with the number of nodes that hold each. */
export async function runList(
  { flags, operands }: { readonly flags: ListFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const filters = flags.filter.map(readFilter);
  return withCluster(shell, flags, async ({ images }) => {
    const { images: all } = await images.list({ names: [] }, { signal: shell.signal });
    const named = all.filter(({ name }) => operands.length === 0 || operands.some((operand) => isMeant(name, operand)));
    const shown = named.filter((image) => filters.every((holds) => holds(image, all)));
    if (flags.quiet) {
      await shell.stdout.write(shown.map((image) => `${idOf(image, flags.noTrunc)}\n`).join(""));
      return 0;
    }
    const rows = shown.map((image) => rowOf(image, flags.noTrunc, shell.clock.nowMs()));
    const columns = COLUMNS.filter(([field]) => field !== "Digest" || flags.digests);
    await shell.stdout.write(formatRows(rows, { format: flags.format, columns }));
    return 0;
  });
}

const COLUMNS = [
  ["Repository", "REPOSITORY"],
  ["Tag", "TAG"],
  ["Digest", "DIGEST"],
  ["ID", "IMAGE ID"],
  ["CreatedSince", "CREATED"],
  ["Size", "SIZE"],
  ["Nodes", "NODES"],
] as const;

function rowOf(image: HeldImage, isWhole: boolean, nowMs: number) {
  const { name, spec, nodes } = image;
  const [repository, tag] = splitName(name);
  const created = spec?.created ?? "";
  return {
    Repository: repository,
    Tag: tag,
    Digest: spec?.digest ?? "",
    ID: idOf(image, isWhole),
    CreatedSince: created === "" ? "N/A" : `${ageText(created, nowMs)} ago`,
    CreatedAt: created,
    Size: bytesText(spec?.sizeBytes ?? 0),
    Nodes: String(nodes.length),
  };
}

type Filter = (image: HeldImage, all: readonly HeldImage[]) => boolean;

/** What a filter looks at. Every image here has a name, so none dangles. */
const FILTERS: Readonly<Record<string, (value: string) => Filter>> = {
  reference: (value) => {
    const form = new RegExp(
      `^${value
        .replace(/[.+^${}()|\\]/g, "\\$&")
        .replaceAll("*", "[^/]*")
        .replaceAll("?", "[^/]")}$`,
    );
    return ({ name }) => {
      const [repository, tag] = splitName(name);
      return [name, repository, `${repository}:${tag}`].some((each) => form.test(each));
    };
  },
  dangling: (value) => () => value === "false",
  node: (value) => (image) => image.nodes.includes(value),
  before: (value) => (image, all) => createdOf(image) < createdOf(found(all, value)),
  since: (value) => (image, all) => createdOf(image) > createdOf(found(all, value)),
};

function readFilter(text: string): Filter {
  const [key = "", ...rest] = text.split("=");
  const make = Object.hasOwn(FILTERS, key) ? FILTERS[key] : undefined;
  if (make === undefined || rest.length === 0)
    throw usageError(`--filter is ${Object.keys(FILTERS).join("=, ")}=, not "${text}"`);
  return make(rest.join("="));
}

function found(all: readonly HeldImage[], operand: string): HeldImage {
  const image = all.find((each) => isMeant(each.name, operand) || idOf(each, true).startsWith(`sha256:${operand}`));
  if (image === undefined) throw usageError(`--filter: there is no image ${operand}`);
  return image;
}

function createdOf({ spec }: HeldImage): string {
  return spec?.created ?? "";
}

function idOf({ spec }: HeldImage, isWhole: boolean): string {
  return isWhole ? (spec?.configDigest ?? "") : shortDigest(spec?.configDigest);
}

/** A name as people write it: docker.io's own are known without their registry. */
export function splitName(name: string): readonly [repository: string, tag: string] {
  const short = name.replace(/^docker\.io\/(library\/)?/, "");
  const colon = short.lastIndexOf(":");
  return [short.slice(0, colon), short.slice(colon + 1)];
}

function isMeant(name: string, operand: string): boolean {
  const [repository, tag] = splitName(name);
  return operand === repository || operand === `${repository}:${tag}` || operand === name;
}
