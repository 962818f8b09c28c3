import { KINDS } from "../../kinds/registry.js";
import { EXIT } from "../exit-codes.js";
import { verb } from "../verb.js";

/** Needs no cluster: the kinds are part of the program. */
export const apiVersions = verb({
  forms: ["api-versions"],
  flags: {},
  operands: "none",
  run: async (_call, shell) => {
    const versions = Object.values(KINDS).flatMap(({ group, versions: held }) =>
      held.map((version) => (group === "" ? version : `${group}/${version}`)),
    );
    await shell.stdout.write(
      [...new Set(versions)]
        .sort()
        .map((version) => `${version}\n`)
        .join(""),
    );
    return EXIT.ok;
  },
});
