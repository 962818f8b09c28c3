import { HOOKS } from "../../agent/actions.js";
import { newRecord } from "../../agent/pod-record.js";
import { NO_FACTS, type PodFacts, type PodTurn } from "../../agent/pod-turn.js";
import { type ContainerState, containerId, type ObservedContainer } from "../../agent/runtime/runtime.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** When the turns of these tests happen. */
export const NOW = 1_000_000;
/** Facts of a pod whose hooks are up. */
export const preparedFacts: PodFacts = { ...NO_FACTS, up: new Set(HOOKS), address: "10.128.0.2" };
/** The record of a pod that was first seen a minute ago. */
export const freshRecord = newRecord({ uid: "u1", namespace: "default", name: "p" }, NOW - 60_000);
/** A run that began ten seconds ago. */
export const running: ContainerState = { is: "running", pid: 7, startedAtMs: NOW - 10_000 };

/** A run that ended a millisecond ago with this code. */
export function ended(exitCode: number, ranMs = 5_000): ContainerState {
  const exit = { is: "code", exitCode, isOom: false, finishedAtMs: NOW - 1 } as const;
  return { is: "exited", startedAtMs: NOW - ranMs - 1, exit };
}

/** The pod that turns are about, with this spec. */
export function turnPod(spec: NonNullable<Parameters<typeof Pod.fromPartial>[0]["spec"]>): Pod {
  return Pod.fromPartial({ metadata: { uid: "u1", name: "p", namespace: "default" }, spec });
}

/** The pod with its deletion asked for. */
export function deletedPod(graceSeconds: number, pod: Pod): Pod {
  const metadata = { deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: graceSeconds };
  return Pod.fromPartial({ ...pod, metadata: { ...pod.metadata, ...metadata } });
}

/** A run as the machine shows it. */
export function seen(state: ContainerState, attempt = 0, container = "web"): ObservedContainer {
  const of = { podUid: "u1", container, attempt };
  return { ...of, id: containerId(of), state };
}

/** A turn of the pod; whatever is not given is as in a pod whose hooks are up. */
export function podTurn(pod: Pod | undefined, part: Partial<PodTurn>): PodTurn {
  return {
    desired: pod,
    isConfirmedSet: true,
    containers: [],
    record: freshRecord,
    facts: preparedFacts,
    withdrawal: { is: "none" },
    cutOverRevision: 0,
    nowMs: NOW,
    ...part,
  };
}
