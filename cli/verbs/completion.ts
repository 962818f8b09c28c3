import { bashScript } from "../completion/bash.js";
import { candidates } from "../completion/candidates.js";
import { EXIT } from "../exit-codes.js";
import { usageError, verb } from "../verb.js";

/** The script asks tsctl itself for what can follow, so it never falls behind the verbs. */
export const completion = verb({
  forms: ["completion bash"],
  examples: [["completion bash >/etc/bash_completion.d/tsctl", "for every user of this machine"]],
  flags: {},
  operands: "words",
  takesCommand: true,
  run: async ({ operands, rest }, shell, verbs) => {
    const [target, ...others] = operands;
    if (target === "words" && rest !== undefined) {
      const found = await candidates(verbs, rest, shell);
      await shell.stdout.write(found.map((word) => `${word}\n`).join(""));
      return EXIT.ok;
    }
    if (target !== "bash" || others.length > 0) throw usageError("name the shell: bash");
    await shell.stdout.write(bashScript());
    return EXIT.ok;
  },
});
