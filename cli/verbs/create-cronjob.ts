import { containersOf, nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { usageError, verb } from "../verb.js";

/** A job at times that a schedule says. */
export const createCronJob = verb({
  forms: ["create cronjob NAME --image=IMAGE --schedule='*/5 * * * *' [-- COMMAND ARG…]"],
  flags: {
    image: { type: "text", value: "IMAGE", summary: "image of the container" },
    schedule: { type: "text", value: "SCHEDULE", summary: "minute, hour, day, month and day of the week" },
    restart: {
      type: "text",
      value: "POLICY",
      choices: ["OnFailure", "Never"],
      summary: "when to run a container again",
    },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  takesCommand: true,
  run: async ({ flags, operands, rest }, shell) => {
    const name = nameOf(operands, "cron job");
    if (flags.image === undefined) throw usageError("say which image: --image=IMAGE");
    if (flags.schedule === undefined) throw usageError("say when: --schedule='*/5 * * * *'");
    const [container] = containersOf([flags.image], rest);
    const spec = { containers: [{ ...container, name }], restartPolicy: flags.restart ?? "OnFailure" };
    return createMadeUp(flags, shell, {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name },
      spec: {
        schedule: flags.schedule,
        jobTemplate: { metadata: { name }, spec: { template: { spec } } },
      },
    });
  },
});
