import { identityOfCertificate } from "../../lib/transport/peer-identity.js";
import { withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { formatTable } from "../table.js";
import { verb } from "../verb.js";

/** What the certificate says, once the cluster has accepted it. */
export const authWhoami = verb({
  forms: ["auth whoami"],
  flags: { context: CLUSTER_FLAGS.context, config: CLUSTER_FLAGS.config },
  operands: "none",
  run: ({ flags }, shell) =>
    withCluster(shell, flags, async ({ context, cluster }) => {
      await cluster.info({}, { signal: shell.signal });
      const { name, role } = identityOfCertificate(context.cert);
      const rows = [
        ["ATTRIBUTE", "VALUE"],
        ["Username", name],
        ["Role", role],
      ];
      await shell.stdout.write(formatTable(rows));
      return EXIT.ok;
    }),
});
