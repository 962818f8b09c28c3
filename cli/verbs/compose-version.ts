import { VERSION } from "../../lib/build-info.js";
import { EXIT } from "../exit-codes.js";
import { verb } from "../verb.js";

/** As docker compose version, for scripts that ask before they begin. */
export const composeVersion = verb({
  forms: ["compose version [--short]"],
  flags: {
    short: { type: "switch", summary: "the number alone" },
    format: { type: "text", short: "f", value: "FORM", choices: ["pretty", "json"], summary: "how it is printed" },
  },
  operands: "none",
  run: async ({ flags }, shell) => {
    const text =
      flags.format === "json"
        ? JSON.stringify({ version: VERSION })
        : flags.short
          ? VERSION
          : `tsctl compose version ${VERSION}`;
    await shell.stdout.write(`${text}\n`);
    return EXIT.ok;
  },
});
