import { withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** Where the control planes are and which of them leads. */
export const clusterInfo = verb({
  forms: ["cluster-info"],
  flags: { context: CLUSTER_FLAGS.context, config: CLUSTER_FLAGS.config },
  operands: "none",
  run: ({ flags }, shell) =>
    withCluster(shell, flags, async ({ cluster, address }) => {
      const answer = await cluster.info({}, { signal: shell.signal });
      const others = answer.controlPlaneAddresses.filter((each) => each !== address);
      const leader =
        answer.leaderAddress === "" ? "there is no leader at the moment" : `the leader is ${answer.leaderAddress}`;
      const lines = [
        `Control plane is running at ${address} (version ${answer.version})`,
        ...others.map((each) => `Control plane is running at ${each}`),
        `${leader.charAt(0).toUpperCase()}${leader.slice(1)}`,
        `The cluster's epoch is ${answer.clusterEpoch || "not known yet"}`,
      ];
      await shell.stdout.write(`${lines.join("\n")}\n`);
      return EXIT.ok;
    }),
});
