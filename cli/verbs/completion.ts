import { bashScript } from "../completion/bash.js";
import { candidates } from "../completion/candidates.js";
import { fishScript } from "../completion/fish.js";
import { zshScript } from "../completion/zsh.js";
import { EXIT } from "../exit-codes.js";
import { usageError, verb } from "../verb.js";

const SCRIPTS: Readonly<Record<string, () => string>> = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** The script asks tsctl itself for what can follow, so it never falls behind the verbs. */
export const completion = verb({
  forms: ["completion bash|zsh|fish"],
  examples: [
    ["completion bash >/etc/bash_completion.d/tsctl", "for every user of this machine"],
    ["completion zsh >~/.zfunc/_tsctl", "where ~/.zfunc is in $fpath"],
    ["completion fish >~/.config/fish/completions/tsctl.fish", "for one user"],
  ],
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
    const script = others.length === 0 ? SCRIPTS[target ?? ""] : undefined;
    if (script === undefined) throw usageError(`name the shell: ${Object.keys(SCRIPTS).join(", ")}`);
    await shell.stdout.write(script());
    return EXIT.ok;
  },
});
