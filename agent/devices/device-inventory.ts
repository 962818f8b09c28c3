import type { CdiCatalog, CdiDevice } from "./cdi-catalog.js";

/** The devices of one kind that are counted and given away, each once. */
export interface KindInventory {
  /** In natural order, so that who is given one can be foreseen. */
  readonly names: readonly string[];
  /** Every name that stands for some of them, such as a GPU's UUID, or `all`. */
  readonly aliases: ReadonlyMap<string, readonly string[]>;
}

/** The devices by kind, which is the name of the resource that they are asked for as. */
export type Inventory = ReadonlyMap<string, KindInventory>;

/** Name that vendors give to all devices of a kind together. */
export const ALL = "all";

/**
 * What of a catalog is given away. Files name one device more than once (by number, by UUID) and all together: names that make the same nodes in /dev are one device,
 * and one whose nodes are those of several others is no further device. Pure.
 */
export function inventoryOf({ kinds }: CdiCatalog): Inventory {
  return new Map([...kinds].map(([kind, devices]) => [kind, kindInventory([...devices.values()])] as const));
}

function kindInventory(devices: readonly CdiDevice[]): KindInventory {
  const sorted = [...devices].sort((left, right) => byNature(left.name, right.name));
  const single = sorted.length === 1 ? sorted : sorted.filter(({ name }) => name !== ALL);
  const firstWith = new Map<string, string>();
  const nodesOf = new Map<string, ReadonlySet<string>>();
  const aliases = new Map<string, readonly string[]>();
  for (const device of single) {
    const nodes = ownNodes(device);
    const same = nodes.size === 0 ? device.name : [...nodes].sort().join(" ");
    const first = firstWith.get(same) ?? device.name;
    firstWith.set(same, first);
    if (first === device.name) nodesOf.set(first, nodes);
    aliases.set(device.name, [first]);
  }
  for (const [name, nodes] of nodesOf) {
    const parts = [...nodesOf].filter(([other, own]) => other !== name && own.size > 0 && isWithin(own, nodes));
    const covered = new Set(parts.flatMap(([, own]) => [...own]));
    if (parts.length >= 2 && covered.size === nodes.size)
      aliases.set(
        name,
        parts.map(([part]) => part),
      );
  }
  const names = [...nodesOf.keys()].filter((name) => aliases.get(name)?.[0] === name);
  if (!aliases.has(ALL)) aliases.set(ALL, names);
  return { names, aliases };
}

/** Nodes that only this device has are what it is; what the file gives to all is not its own. */
function ownNodes({ edits }: CdiDevice): ReadonlySet<string> {
  return new Set((edits.at(-1)?.deviceNodes ?? []).map(({ path }) => path));
}

function isWithin(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return part.size < whole.size && [...part].every((one) => whole.has(one));
}

/** Numbers by their value, and before words. */
function byNature(left: string, right: string): number {
  return left.localeCompare(right, "en", { numeric: true });
}
