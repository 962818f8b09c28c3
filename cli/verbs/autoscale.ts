import { apiVersionOf, KINDS } from "../../kinds/registry.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { isScalable } from "../scale/scale.js";
import { readTarget } from "../targets.js";
import { usageError, verb } from "../verb.js";

/** Makes a HorizontalPodAutoscaler; 80 % of the requested CPU when no goal is given, as with kubectl. */
export const autoscale = verb({
  forms: ["autoscale TYPE/NAME --max=N [--min=N] [--cpu-percent=N]"],
  examples: [["autoscale deploy/hello --min=2 --max=10 --cpu-percent=70", "by its use of CPU"]],
  flags: {
    min: { type: "number", value: "N", min: 0, summary: "fewest replicas; 1 when absent" },
    max: { type: "number", value: "N", min: 1, summary: "most replicas" },
    cpuPercent: { type: "number", value: "N", min: 1, summary: "wanted use of the requested CPU, in percent" },
    memoryPercent: { type: "number", value: "N", min: 1, summary: "wanted use of the requested memory, in percent" },
    name: { type: "text", value: "NAME", summary: "name of the autoscaler; the object's when absent" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "objects",
  run: async ({ flags, operands }, shell) => {
    const { kind, name } = readTarget(operands);
    if (!isScalable(kind)) throw usageError(`${KINDS[kind].plural} cannot be scaled`);
    if (flags.max === undefined) throw usageError("say how many at most: --max=N");
    const isByCpu = flags.cpuPercent !== undefined || flags.memoryPercent === undefined;
    const goals = [
      ...(isByCpu ? [{ resource: "cpu", percent: flags.cpuPercent ?? 80 }] : []),
      ...(flags.memoryPercent === undefined ? [] : [{ resource: "memory", percent: flags.memoryPercent }]),
    ];
    const json = {
      apiVersion: apiVersionOf("HorizontalPodAutoscaler"),
      kind: "HorizontalPodAutoscaler",
      metadata: { name: flags.name ?? name },
      spec: {
        scaleTargetRef: { apiVersion: apiVersionOf(kind), kind, name },
        minReplicas: flags.min ?? 1,
        maxReplicas: flags.max,
        metrics: goals.map(({ resource, percent }) => ({
          type: "Resource",
          resource: { name: resource, target: { type: "Utilization", averageUtilization: percent } },
        })),
      },
    };
    return createMadeUp(flags, shell, json, { told: "autoscaled", target: { kind, name } });
  },
});
