import { jobFromCronJob } from "../create/job.js";
import { containersOf, nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

/** `--from` runs a cron job now. */
export const createJob = verb({
  forms: ["create job NAME --image=IMAGE [-- COMMAND ARG…]", "create job NAME --from=cronjob/NAME"],
  examples: [["create job now --from=cronjob/backup", "what the cron job would run, at once"]],
  flags: {
    image: { type: "text", value: "IMAGE", summary: "image of the container" },
    from: { type: "text", value: "cronjob/NAME", summary: "the cron job whose job this is" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  takesCommand: true,
  run: async ({ flags, operands, rest }, shell) => {
    const name = nameOf(operands, "job");
    if ((flags.image === undefined) === (flags.from === undefined)) throw usageError("give --image or --from");
    if (flags.from !== undefined) return jobFromCronJob(flags, shell, { name, from: flags.from });
    const [container] = containersOf([flags.image ?? ""], rest);
    const spec = { containers: [{ ...container, name }], restartPolicy: "Never" };
    return createMadeUp(flags, shell, {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name },
      spec: { template: { spec } },
    });
  },
});
