/** What an image runs on, in OCI's words. An empty variant: any, or not said. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

const ARCHITECTURES: Readonly<Record<string, Platform>> = {
  x64: { os: "linux", architecture: "amd64", variant: "" },
  arm64: { os: "linux", architecture: "arm64", variant: "v8" },
  arm: { os: "linux", architecture: "arm", variant: "v7" },
  ia32: { os: "linux", architecture: "386", variant: "" },
  ppc64: { os: "linux", architecture: "ppc64le", variant: "" },
  s390x: { os: "linux", architecture: "s390x", variant: "" },
  riscv64: { os: "linux", architecture: "riscv64", variant: "" },
};

/** Something that says what it runs on. */
export interface ForPlatform {
  readonly platform: Platform | undefined;
}

/** The platform of a node from process.arch. */
export function platformOfNode(arch: string): Platform {
  return ARCHITECTURES[arch] ?? { os: "linux", architecture: arch, variant: "" };
}

/**
 * The entry of an index that the platform runs best: of its own variant, else the nearest older one, else one that names
 * none. Later variants are left alone. Of equals the first; undefined when none fits.
 */
export function selectPlatform<Entry extends ForPlatform>(
  entries: readonly Entry[],
  wanted: Platform,
): Entry | undefined {
  const rank = (entry: Entry): number => variantRank(entry.platform?.variant ?? "", wanted.variant);
  return entries
    .filter(({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture)
    .filter((entry) => rank(entry) >= 0)
    .sort((one, other) => rank(other) - rank(one))[0];
}

/** The platforms of an index, for an error. */
export function shownPlatforms(entries: readonly ForPlatform[]): string {
  const shown = entries.map(({ platform }) => (platform === undefined ? "none" : shownPlatform(platform)));
  return [...new Set(shown)].sort().slice(0, 20).join(", ");
}

/** A platform as os/architecture[/variant]. */
export function shownPlatform({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === "" ? "" : `/${variant}`}`;
}

/** Higher is better; negative does not run. v1 of amd64 is what every amd64 processor runs. */
function variantRank(found: string, wanted: string): number {
  const level = (variant: string): number => (/^v[0-9]$/.test(variant) ? Number(variant.slice(1)) : 1);
  if (found === wanted) return 10;
  if (found === "") return 0;
  return level(found) <= level(wanted) ? level(found) : -1;
}
