import { kindOfWord } from "../../kinds/lookup.js";
import { identityOfCertificate } from "../../lib/transport/peer-identity.js";
import { withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import type { Shell } from "../shell.js";
import { formatTable } from "../table.js";
import { usageError, verb } from "../verb.js";

/** Roles that may do everything: rights come from the certificate's role today. */
const MAY_ALL: ReadonlySet<string> = new Set(["admin", "control-plane"]);

/** Answers by the certificate's role, once the cluster has accepted it: roles of objects are stored and not enforced yet. */
export const authCanI = verb({
  forms: ["auth can-i VERB TYPE[/NAME]", "auth can-i --list"],
  description:
    "Rights come from the role in your certificate: admin may do everything, other roles have no way to objects by tsctl. Roles and bindings are\nstored and not enforced yet. Exits with 1 when the answer is no.",
  flags: {
    list: { type: "switch", summary: "tell everything that you may do" },
    quiet: { type: "switch", short: "q", summary: "print nothing, only exit" },
    allNamespaces: { type: "switch", short: "A", summary: "in all namespaces" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: ({ flags, operands }, shell) => {
    const [verbWord, type = "", ...more] = operands;
    if (!flags.list && (verbWord === undefined || type === "" || more.length > 0))
      throw usageError("say what, and with what: auth can-i create pods");
    return withCluster(shell, flags, async ({ context, cluster }) => {
      await cluster.info({}, { signal: shell.signal });
      if (flags.list) return tellAll(shell, MAY_ALL.has(identityOfCertificate(context.cert).role));
      const word = type.split("/")[0] ?? "";
      if (!word.startsWith("*") && kindOfWord(word) === undefined)
        await shell.stderr.write(`warning: there is no resource type "${word}"\n`);
      const may = MAY_ALL.has(identityOfCertificate(context.cert).role);
      if (!flags.quiet) await shell.stdout.write(may ? "yes\n" : "no\n");
      return may ? EXIT.ok : EXIT.failed;
    });
  },
});

async function tellAll(shell: Shell, mayAll: boolean): Promise<number> {
  const rows = mayAll ? [["*.*", "[]", "[]", "[*]"]] : [];
  await shell.stdout.write(formatTable([["RESOURCES", "NON-RESOURCE URLS", "RESOURCE NAMES", "VERBS"], ...rows]));
  return EXIT.ok;
}
