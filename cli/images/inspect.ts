import { ageText } from "../../kinds/age.js";
import { bytesText } from "../../kinds/bytes-text.js";
import { shortDigest } from "../../kinds/columns/image.js";
import type { Json, JsonObject } from "../../kinds/encode.js";
import type { InspectImageResponse } from "../../proto/gen/tallship/v1/images.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { type Look, tellInspected } from "../inspect/told.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { usageError } from "../verb.js";
import { splitName } from "./list.js";

/** Tells what images say of themselves, in the shape of docker image inspect. */
export function lookAtImages(cluster: Cluster, shell: Shell): Look {
  return async (name) => described(await inspect(cluster, name, shell));
}

/** Prints what images say of themselves. */
export function runInspect(
  {
    flags,
    operands,
  }: { readonly flags: ClusterFlags & { readonly format: string | undefined }; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  return withCluster(shell, flags, (cluster) =>
    tellInspected(operands, { format: flags.format, shell, look: lookAtImages(cluster, shell) }),
  );
}

/** What `image history` was asked. */
export interface HistoryFlags extends ClusterFlags {
  readonly noTrunc: boolean;
  readonly quiet: boolean;
}

/** Prints the steps that made an image, the last first, as docker history does. */
export async function runHistory(
  { flags, operands }: { readonly flags: HistoryFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [name, ...rest] = operands;
  if (name === undefined || rest.length > 0) throw usageError("name one image");
  return withCluster(shell, flags, async (cluster) => {
    const rows = stepsOf(await inspect(cluster, name, shell), flags, shell.clock.nowMs());
    const text = flags.quiet
      ? rows.map(([id]) => `${id}\n`).join("")
      : formatTable([["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"], ...rows]);
    await shell.stdout.write(text);
    return 0;
  });
}

function inspect({ images }: Cluster, name: string, shell: Shell): Promise<InspectImageResponse> {
  return images.inspect({ name }, { signal: shell.signal });
}

function described({ image, config }: InspectImageResponse): Json {
  const found = json(config);
  const { name = "", spec, nodes = [] } = image ?? {};
  const [repository, tag] = splitName(name);
  const rootfs = objectOf(found["rootfs"]);
  return {
    Id: spec?.configDigest ?? "",
    RepoTags: [`${repository}:${tag}`],
    RepoDigests: [`${repository}@${spec?.digest}`],
    Comment: "",
    Created: textOf(found["created"]),
    Author: textOf(found["author"]),
    Config: found["config"] ?? {},
    Architecture: textOf(found["architecture"]),
    Variant: textOf(found["variant"]),
    Os: textOf(found["os"]),
    Size: spec?.sizeBytes ?? 0,
    RootFS: { Type: "layers", Layers: rootfs["diff_ids"] ?? [] },
    Nodes: [...nodes],
  };
}

function stepsOf(
  { image, config }: InspectImageResponse,
  { noTrunc }: HistoryFlags,
  nowMs: number,
): readonly (readonly string[])[] {
  const found = json(config)["history"];
  const layers = image?.spec?.layers ?? [];
  let at = 0;
  const steps = (Array.isArray(found) ? found : []).map((each: unknown) => {
    const step = objectOf(each);
    const layer = step["empty_layer"] === true ? undefined : layers[at];
    if (step["empty_layer"] !== true) at += 1;
    return { step, sizeBytes: layer?.sizeBytes ?? 0 };
  });
  const id = noTrunc ? (image?.spec?.configDigest ?? "") : shortDigest(image?.spec?.configDigest);
  return steps.reverse().map(({ step, sizeBytes }, index) => {
    const created = textOf(step["created"]);
    const by = safeText(textOf(step["created_by"]).replace(/\s+/g, " "));
    return [
      index === 0 ? id : "<missing>",
      created === "" ? "N/A" : `${ageText(created, nowMs)} ago`,
      noTrunc || by.length <= BY_WIDTH ? by : `${by.slice(0, BY_WIDTH - 1)}…`,
      bytesText(sizeBytes),
      safeText(textOf(step["comment"])),
    ];
  });
}

const BY_WIDTH = 45;

function json(bytes: Uint8Array): JsonObject {
  return objectOf(JSON.parse(Buffer.from(bytes).toString("utf8") || "{}"));
}

// A parser: what JSON.parse made is JSON.
function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? ({ ...value } as JsonObject) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
