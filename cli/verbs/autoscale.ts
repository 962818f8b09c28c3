import type { JsonObject } from "../../kinds/encode.js";
import { apiVersionOf, KINDS } from "../../kinds/registry.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { isScalable } from "../scale/scale.js";
import { readTarget } from "../targets.js";
import { usageError, verb } from "../verb.js";

/** What one resource is to be used, of `--cpu` or of `--cpu-percent`; nothing when neither is given. */
function goalOf(name: "cpu" | "memory", goal: string | undefined, percent: number | undefined): readonly JsonObject[] {
  if (goal !== undefined && percent !== undefined)
    throw usageError(`--${name} and --${name}-percent are two answers to one question`);
  const share = percent ?? (/^[1-9]\d{0,5}%?$/.test(goal ?? "") ? Number.parseInt(goal ?? "", 10) : undefined);
  if (share !== undefined)
    return [{ type: "Resource", resource: { name, target: { type: "Utilization", averageUtilization: share } } }];
  if (goal === undefined) return [];
  return [{ type: "Resource", resource: { name, target: { type: "AverageValue", averageValue: goal } } }];
}

/** Makes a HorizontalPodAutoscaler; 80 % of the requested CPU when no goal is given, as with kubectl. */
export const autoscale = verb({
  forms: ["autoscale TYPE/NAME --max=N [--min=N] [--cpu=GOAL] [--memory=GOAL]"],
  examples: [["autoscale deploy/hello --min=2 --max=10 --cpu=70%", "by its use of CPU"]],
  flags: {
    min: { type: "number", value: "N", min: 0, summary: "fewest replicas; 1 when absent" },
    max: { type: "number", value: "N", min: 1, summary: "most replicas" },
    cpu: {
      type: "text",
      value: "GOAL",
      summary: "wanted use of CPU: 70%, of what is requested, or an amount for each pod: 500m",
    },
    memory: { type: "text", value: "GOAL", summary: "wanted use of memory: 70%, or an amount for each pod: 200Mi" },
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
    const cpu = goalOf("cpu", flags.cpu, flags.cpuPercent);
    const memory = goalOf("memory", flags.memory, flags.memoryPercent);
    const asked = [...cpu, ...memory];
    const goals = asked.length === 0 ? goalOf("cpu", undefined, 80) : asked;
    const json = {
      apiVersion: apiVersionOf("HorizontalPodAutoscaler"),
      kind: "HorizontalPodAutoscaler",
      metadata: { name: flags.name ?? name },
      spec: {
        scaleTargetRef: { apiVersion: apiVersionOf(kind), kind, name },
        minReplicas: flags.min ?? 1,
        maxReplicas: flags.max,
        metrics: goals,
      },
    };
    return createMadeUp(flags, shell, json, { told: "autoscaled", target: { kind, name } });
  },
});
