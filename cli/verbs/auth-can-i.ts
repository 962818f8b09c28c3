import { kindOfWord } from "../../kinds/lookup.js";
import { identityOfCertificate } from "../../lib/transport/peer-identity.js";
import { withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { usageError, verb } from "../verb.js";

/** Roles that may do everything: rights come from the certificate's role today. */
const MAY_ALL: ReadonlySet<string> = new Set(["admin", "control-plane"]);

/** Answers by the certificate's role, once the cluster has accepted it: roles of objects are stored and not enforced yet. */
export const authCanI = verb({
  forms: ["auth can-i VERB TYPE[/NAME]"],
  description:
    "Rights come from the role in your certificate: admin may do everything, other roles have no way to objects by tsctl. Roles and bindings are\nstored and not enforced yet. Exits with 1 when the answer is no.",
  flags: {
    quiet: { type: "switch", short: "q", summary: "print nothing, only exit" },
    allNamespaces: { type: "switch", short: "A", summary: "in all namespaces" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: ({ flags, operands }, shell) => {
    const [verbWord, type, ...more] = operands;
    if (verbWord === undefined || type === undefined || more.length > 0)
      throw usageError("say what, and with what: auth can-i create pods");
    return withCluster(shell, flags, async ({ context, cluster }) => {
      await cluster.info({}, { signal: shell.signal });
      const word = type.split("/")[0] ?? "";
      if (!word.startsWith("*") && kindOfWord(word) === undefined)
        await shell.stderr.write(`warning: there is no resource type "${word}"\n`);
      const may = MAY_ALL.has(identityOfCertificate(context.cert).role);
      if (!flags.quiet) await shell.stdout.write(may ? "yes\n" : "no\n");
      return may ? EXIT.ok : EXIT.failed;
    });
  },
});
