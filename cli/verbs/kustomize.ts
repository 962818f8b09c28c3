import { usageError, verb } from "../verb.js";

/** Needs no cluster. */
export const kustomize = verb({
  forms: ["kustomize [FOLDER] [-o FILE]"],
  description:
    "Builds the kustomization of a folder, the current one when none is named, and prints its objects. Nothing is fetched from the net\nand no programs are run.",
  examples: [
    ["kustomize overlays/prod", "the objects that apply -k would send"],
    ["apply -k overlays/prod", "and send them"],
  ],
  flags: { output: { type: "text", short: "o", value: "FILE", summary: "write the objects to this file" } },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const [folder = ".", ...others] = operands;
    if (others.length > 0) throw usageError("name one folder");
    const { runKustomize } = await import("../kustomize/kustomize.js");
    return runKustomize(folder, shell, flags.output);
  },
});
