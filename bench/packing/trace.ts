import { WHOLE_DEVICE } from "../../kinds/gpu-share.js";

/** A node of a GPU trace. */
export interface TraceNode {
  readonly name: string;
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  readonly gpuCount: number;
  /** Model of its GPUs; empty: it has none. */
  readonly model: string;
}

/** A pod of a GPU trace. Pods that ask for the same are one object. */
export interface TracePod {
  readonly cpuMillicores: number;
  readonly memoryMib: number;
  readonly gpuCount: number;
  /** Thousandths of each GPU; 1000: whole ones. */
  readonly gpuMilli: number;
  /** Models that would do; empty: any. */
  readonly models: readonly string[];
}

/** Nodes, and the pods that arrivals are drawn from. */
export interface Trace {
  readonly name: string;
  readonly nodes: readonly TraceNode[];
  readonly pods: readonly TracePod[];
}

/** Thousandths of GPUs that a pod asks for. */
export function milliOf({ gpuCount, gpuMilli }: TracePod): number {
  return gpuCount * gpuMilli;
}

/** Thousandths of GPUs that nodes have. */
export function capacityOf(nodes: readonly TraceNode[]): number {
  return nodes.reduce((sum, { gpuCount }) => sum + WHOLE_DEVICE * gpuCount, 0);
}

/** Makes one object of pods that ask for the same. */
export function merged(pods: readonly TracePod[]): readonly TracePod[] {
  const known = new Map<string, TracePod>();
  return pods.map((pod) => {
    const key = JSON.stringify([pod.cpuMillicores, pod.memoryMib, pod.gpuCount, pod.gpuMilli, pod.models]);
    const first = known.get(key) ?? pod;
    known.set(key, first);
    return first;
  });
}
