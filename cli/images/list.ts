import { ageText } from "../../kinds/age.js";
import { bytesText } from "../../kinds/bytes-text.js";
import { shortDigest } from "../../kinds/columns/image.js";
import type { HeldImage } from "../../proto/gen/tallship/v1/images.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";

/** What `image ls` was asked. */
export interface ListFlags extends ClusterFlags {
  readonly quiet: boolean;
  readonly digests: boolean;
  readonly noTrunc: boolean;
}

/** Lists the cluster's images, as docker images does, with the number of nodes that hold each. */
export async function runList(
  { flags, operands }: { readonly flags: ListFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, async ({ images }) => {
    const { images: all } = await images.list({ names: [] }, { signal: shell.signal });
    const shown = all.filter(({ name }) => operands.length === 0 || operands.some((operand) => isMeant(name, operand)));
    if (flags.quiet) {
      await shell.stdout.write(shown.map((image) => `${idOf(image, flags.noTrunc)}\n`).join(""));
      return 0;
    }
    const headings = [
      "REPOSITORY",
      "TAG",
      ...(flags.digests ? ["DIGEST"] : []),
      "IMAGE ID",
      "CREATED",
      "SIZE",
      "NODES",
    ];
    const nowMs = shell.clock.nowMs();
    await shell.stdout.write(formatTable([headings, ...shown.map((image) => rowOf(image, flags, nowMs))]));
    return 0;
  });
}

function rowOf(image: HeldImage, { digests, noTrunc }: ListFlags, nowMs: number): readonly string[] {
  const { name, spec, nodes } = image;
  const [repository, tag] = splitName(name);
  const created = spec?.created ?? "";
  return [
    ...[repository, tag, ...(digests ? [spec?.digest ?? ""] : []), idOf(image, noTrunc)],
    ...[
      created === "" ? "N/A" : `${ageText(created, nowMs)} ago`,
      bytesText(spec?.sizeBytes ?? 0),
      String(nodes.length),
    ],
  ];
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
