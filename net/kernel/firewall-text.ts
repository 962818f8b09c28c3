import { type Family, WORDS } from "../family.js";
import type { FirewallChange, FirewallSet, FirewallTable } from "./firewall.js";

/** The firewall's table of a family: network policies and what keeps the overlay closed. It belongs to Tallship alone. */
export function firewallTable(family: Family): string {
  return `${WORDS[family].tables} tallship-firewall`;
}

/** How many elements stand in one command: keeps nft's memory and each line bounded. */
const ELEMENTS_PER_COMMAND = 2_000;

/** The transaction that replaces the table, in pieces: nft wants them all in one file. */
export function* firewallReplacement(family: Family, { sets, chains }: FirewallTable): Iterable<string> {
  const table = firewallTable(family);
  yield `table ${table}\ndelete table ${table}\ntable ${table} {\n`;
  for (const [name, { is, type }] of sets) yield `  ${is} ${name} { ${type} }\n`;
  for (const [name, { hook, rules }] of chains)
    yield `  chain ${name} {\n${[hook, ...rules].map((line) => (line === "" ? "" : `    ${line}\n`)).join("")}  }\n`;
  yield "}\n";
  for (const [name, { elements }] of sets)
    for (const command of elementCommands("add", `${table} ${name}`, elements)) yield `${command}\n`;
}

/** The commands of a transaction, each on one line. Chains lead to each other: all are made before the first rule, and emptied before any is deleted. */
export function firewallCommands(family: Family, changes: readonly FirewallChange[]): readonly string[] {
  const table = firewallTable(family);
  const together = (act: FirewallChange["do"], word: string) => ({
    at: changes.findIndex((change) => change.do === act),
    commands: changes.filter((change) => change.do === act).map(({ name }) => `${word} chain ${table} ${name}`),
  });
  const ahead = [together("add-chain", "add"), together("delete-chain", "flush")];
  return changes.flatMap((change, at) => [
    ...ahead.flatMap((all) => (all.at === at ? all.commands : [])),
    ...commandsFor(table, change),
  ]);
}

function commandsFor(table: string, change: FirewallChange): readonly string[] {
  const name = `${table} ${change.name}`;
  switch (change.do) {
    case "add-set":
      return [`add ${change.set.is} ${name} ${declaration(change.set)}`];
    case "delete-set":
      return [`delete ${change.set.is} ${name}`];
    case "add-chain":
      return change.chain.rules.map((rule) => `add rule ${name} ${rule}`);
    case "delete-chain":
      return [`delete chain ${name}`];
    case "add-elements":
      return [...elementCommands("add", name, change.elements)];
    case "delete-elements":
      return [...elementCommands("delete", name, change.elements)];
  }
}

function declaration({ type }: FirewallSet): string {
  return `{ ${type} }`;
}

function* elementCommands(
  act: "add" | "delete",
  name: string,
  elements: ReadonlyMap<string, string>,
): Iterable<string> {
  let lines: string[] = [];
  const command = (): string => `${act} element ${name} { ${lines.join(", ")} }`;
  for (const [key, value] of elements) {
    lines.push(value === "" || act === "delete" ? key : `${key} : ${value}`);
    if (lines.length < ELEMENTS_PER_COMMAND) continue;
    yield command();
    lines = [];
  }
  if (lines.length > 0) yield command();
}
