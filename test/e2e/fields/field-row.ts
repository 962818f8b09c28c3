import type { Testbed } from "../../testbed/testbed.js";
import type { SeenPod } from "../cluster.js";

/** Names of the hosts that the rows' pods run on. */
export const HOSTS = { first: "host1", second: "host2" } as const;

type Json = Readonly<Record<string, unknown>>;

interface PodJson extends Json {
  readonly initContainers?: readonly (Json & { readonly name: string })[];
  readonly containers: readonly (Json & { readonly name: string })[];
}

/** What fields of the pod spec promise, and a pod that shows whether it is kept. */
export interface FieldRow {
  /** The promise: a sentence that could be false. */
  readonly title: string;
  /** The fields that this would not hold without, as Message.field. */
  readonly proves: readonly string[];
  /** The pod's name. */
  readonly name: string;
  readonly metadata?: Json;
  readonly spec: PodJson;
  /** Objects that are there before it. */
  readonly beside?: readonly Json[];
  /** When there is something to look at; when it has succeeded, if absent. */
  readonly until?: (seen: SeenPod) => boolean;
  /** What the logs of its containers hold then. */
  readonly says?: readonly RegExp[];
  /** What the pod's own JSON holds then. */
  readonly looks?: object;
  /** What else is so then. */
  readonly afterwards?: (world: FieldWorld) => Promise<void>;
}

/** What a row may ask. */
export interface FieldWorld {
  readonly testbed: Testbed;
  readonly seen: SeenPod;
  /** What a command on a host says. */
  readonly onHost: (host: string, ...command: readonly string[]) => Promise<string>;
  /** What the pod's containers have said by now. */
  readonly log: () => Promise<string>;
}

/** A container "main" of the test image that runs a script, both outputs in its log. */
export const runs = (
  script: string,
  more: Json & { readonly name?: string } = {},
): Json & { readonly name: string } => ({
  ...{ name: "main", image: "tallship/hello:1", command: ["sh", "-c", `exec 2>&1; ${script}`] },
  ...more,
});

/** A pod that runs one script to its end. */
export const once = (
  script: string,
  { container = {}, ...spec }: Json & { readonly container?: Json } = {},
): PodJson => ({
  restartPolicy: "Never",
  containers: [runs(script, container)],
  ...spec,
});

/** What a container that stays does: it ends at once when it is told to. */
export const STAYS = "trap 'exit 0' TERM; while :; do sleep 0.2; done";

/** Running. */
export const isRunning = ({ status }: SeenPod): boolean => status.phase === "Running";

/** Why the first container waits. */
export const waitsFor =
  (...reasons: readonly string[]) =>
  ({ status }: SeenPod): boolean =>
    reasons.includes(status.containerStatuses?.[0]?.state.waiting?.reason ?? "");

/** Ready, as its services see it. */
export const isReady = ({ status }: SeenPod): boolean =>
  status.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") === true;
