import type { Json } from "../../../kinds/encode.js";
import { printYaml } from "../../../kinds/yaml/print.js";
import { plainKind } from "../../../kinds/yaml/tree.js";
import { EXIT } from "../../exit-codes.js";
import type { Flags, FlagValues } from "../../flags.js";
import { printObjects } from "../../print.js";
import type { Shell } from "../../shell.js";
import { asTreeNode, type ComposeNode } from "../load/node.js";
import { imageOf } from "../translate/build.js";
import { openProject, PROJECT_FLAGS } from "./project.js";

/** Flags of `compose config`. */
export const CONFIG_FLAGS = {
  services: { type: "switch", summary: "print the names of the services" },
  images: { type: "switch", summary: "print the images" },
  volumes: { type: "switch", summary: "print the names of the volumes" },
  profiles: { type: "switch", summary: "print the profiles" },
  objects: { type: "switch", summary: "print the objects that the project becomes" },
  quiet: { type: "switch", short: "q", summary: "only check" },
  format: { type: "text", value: "FORM", choices: ["yaml", "json"], summary: "how it is printed" },
  ...PROJECT_FLAGS,
} as const satisfies Flags;

/** Prints the project as all its files together say it, variables put in, or one list of it. */
export async function runConfig(
  { flags }: { readonly flags: FlagValues<typeof CONFIG_FLAGS> },
  shell: Shell,
): Promise<number> {
  const project = await openProject(shell, flags, { notes: true });
  const services = [...(project.model.services?.value ?? [])];
  const lines = (all: readonly string[]): string => [...new Set(all)].map((line) => `${line}\n`).join("");
  const text = (): string => {
    if (flags.quiet) return "";
    if (flags.services) return lines(services.map(([name]) => name));
    if (flags.images)
      return lines(services.flatMap(([name, { value }]) => imageOf(project.name, name, value)?.value ?? []));
    if (flags.volumes) return lines([...(project.model.volumes?.value.keys() ?? [])]);
    if (flags.profiles)
      return lines(services.flatMap(([, { value }]) => value.profiles?.value.map((one) => one.value) ?? []));
    const format = flags.format === "json" ? "json" : "yaml";
    if (flags.objects)
      return printObjects(
        project.objects.map(({ typed }) => typed),
        format,
        true,
      );
    const merged = project.merged === undefined ? {} : asJson(project.merged);
    const named = typeof merged === "object" && !Array.isArray(merged) ? { name: project.name, ...merged } : merged;
    return format === "json" ? `${JSON.stringify(named, undefined, 2)}\n` : printYaml(named);
  };
  await shell.stdout.write(text());
  return EXIT.ok;
}

function asJson(node: ComposeNode): Json {
  if (node.is === "list") return node.items.map(asJson);
  if (node.is === "map") return Object.fromEntries(node.entries.map(({ key, value }) => [key, asJson(value)]));
  const tree = asTreeNode(node);
  switch (tree.is === "scalar" ? plainKind(tree) : "string") {
    case "bool":
      return node.text.toLowerCase() === "true";
    case "int":
    case "float":
      return Number(node.text);
    case "null":
      return null;
    default:
      return node.text;
  }
}
