import { TallshipError } from "../../../lib/errors.js";
import type { BuildStart } from "../../../proto/gen/tallship/v1/images.js";
import { type Platform, shownPlatform } from "../platform.js";

/** Where a build's files are. */
export interface BuildPaths {
  /** The folder of this build alone. */
  readonly folder: string;
  /** Images and layers that builds share. */
  readonly storage: string;
}

/** Rights that steps do not get though buildah would give them: with them a step could leave its root. */
const DROPPED = ["CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE", "CAP_NET_RAW"];

/** What every call of buildah begins with. */
export function buildahWords({ folder, storage }: BuildPaths): readonly string[] {
  const registries = `${folder}/registries.conf`;
  const storing = ["--root", storage, "--runroot", `${folder}/run`, "--storage-driver", "overlay"];
  return ["buildah", "--registries-conf", registries, ...storing];
}

/** The call that builds; buildah leaves the image's id in `id` of the build's folder. */
export function budWords(paths: BuildPaths, start: BuildStart): readonly string[] {
  const { folder } = paths;
  const list = (flag: string, values: readonly string[]): readonly string[] => values.flatMap((value) => [flag, value]);
  return [
    ...[...buildahWords(paths), "bud", "--isolation", "chroot", "--format", "oci", "--pull-never"],
    ...["--signature-policy", `${folder}/policy.json`, "--ignorefile", `${folder}/ignored`],
    ...["--http-proxy=false", "--force-rm", "--iidfile", `${folder}/id`],
    ...list("--cap-drop", DROPPED),
    ...(start.noCache ? ["--no-cache", "--layers=false"] : ["--layers"]),
    ...(start.target === "" ? [] : ["--target", start.target]),
    ...list("--build-arg", start.args),
    ...list("--label", start.labels),
    ...start.secrets.flatMap(({ id }, at) => ["--secret", `id=${id},src=${secretPath(folder, at)}`]),
    ...["--file", `${folder}/Dockerfile`, `${folder}/context`],
  ];
}

/** Where a secret stands while a build runs. */
export function secretPath(folder: string, at: number): string {
  return `${folder}/secret-${at}`;
}

/** The call that makes an archive of what was built. */
export function pushWords(paths: BuildPaths, id: string): readonly string[] {
  const { folder } = paths;
  const policy = ["--signature-policy", `${folder}/policy.json`];
  return [...buildahWords(paths), "push", "--quiet", ...policy, id, `oci-archive:${folder}/image.tar`];
}

/** Throws not_supported or invalid_argument for what cannot be built here. */
export function checkBuild({ platform, network, secrets, args, labels }: BuildStart, own: Platform): void {
  const shown = shownPlatform(own);
  if (platform !== "" && platform !== shown && platform !== shown.replace(/\/v8$/, ""))
    throw new TallshipError(
      "not_supported",
      `build for ${platform}: the node is ${shown}, and programs of another platform do not run on it`,
    );
  if (!["", "host", "default", "none"].includes(network))
    throw new TallshipError("not_supported", `build in network ${JSON.stringify(network)}: want default, host or none`);
  for (const { id } of secrets) if (!/^[A-Za-z0-9._-]+$/.test(id)) throw malformed("secret id", id);
  for (const arg of [...args, ...labels]) if (!/^[^=\s]+=/.test(arg)) throw malformed("argument or label", arg);
}

function malformed(what: string, found: string): TallshipError {
  return new TallshipError("invalid_argument", `build: malformed ${what} ${JSON.stringify(found)}`);
}

/** The line of buildah's output that says why it failed; its last line when none does. */
export function failureIn(output: string): string {
  const lines = output.trimEnd().split("\n");
  const why = lines.findLast((line) => line.startsWith("Error: ")) ?? lines.at(-1) ?? "";
  return why.replace(/^Error: /, "").replace(/^error building at STEP/i, "building at STEP");
}
