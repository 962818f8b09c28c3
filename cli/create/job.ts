import { messageToJson } from "../../kinds/encode.js";
import { apiVersionOf } from "../../kinds/registry.js";
import { type ChangeFlags, withChanges } from "../change/each.js";
import { EXIT } from "../exit-codes.js";
import { getObject, keyIn } from "../objects.js";
import type { Shell } from "../shell.js";
import { readTarget } from "../targets.js";
import { usageError } from "../verb.js";
import { createObject, madeUp } from "./write.js";

/** Creates the job that a cron job would run next, owned by it. */
export async function jobFromCronJob(
  flags: ChangeFlags,
  shell: Shell,
  { name, from }: { readonly name: string; readonly from: string },
): Promise<number> {
  const target = readTarget([from]);
  if (target.kind !== "CronJob") throw usageError("--from takes cronjob/NAME");
  return withChanges(flags, shell, async ({ cluster, run, tell }) => {
    const cronJob = await getObject(cluster, keyIn("CronJob", cluster.namespace, target.name), shell.signal);
    const template = cronJob.spec?.jobTemplate;
    const { labels = {}, annotations = {} } = template?.metadata ?? {};
    const owner = { apiVersion: apiVersionOf("CronJob"), kind: "CronJob", name: target.name };
    const json = {
      apiVersion: apiVersionOf("Job"),
      kind: "Job",
      metadata: {
        name,
        labels,
        annotations: { ...annotations, "cronjob.kubernetes.io/instantiate": "manual" },
        ownerReferences: [{ ...owner, uid: cronJob.metadata?.uid ?? "", controller: true }],
      },
      spec: template?.spec === undefined ? {} : messageToJson("JobSpec", template.spec),
    };
    await tell([{ typed: await createObject(run, madeUp(json, cluster.namespace)), told: "created" }]);
    return EXIT.ok;
  });
}
