import { everyContainer } from "../../kinds/pod-containers.js";
import { graceSecondsOf } from "../../kinds/pod-state.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { containerRecord, type Ending, type PodRecord, withContainer } from "../pod-record.js";
import type { Check } from "./check.js";

/** A check and what it came to. */
export interface Verdict {
  readonly check: Check;
  readonly isPassed: boolean;
  readonly nowMs: number;
}

/** What is remembered of a verdict. Pure; a verdict on a run that is over, or that is known already, changes nothing. */
export function noteVerdict(record: PodRecord, pod: Pod, { check, isPassed, nowMs }: Verdict): PodRecord {
  const { kind, container: name, attempt } = check;
  const known = containerRecord(record, name);
  const container = everyContainer(pod).find((one) => one.name === name);
  if (container === undefined || known.attempt !== attempt) return record;
  switch (kind) {
    case "readiness":
      return withContainer(record, name, { isReady: isPassed });
    case "preStop": {
      const { ending } = known;
      return ending === undefined ? record : withContainer(record, name, { ending: { ...ending, isHookOver: true } });
    }
    case "postStart":
      if (isPassed) return withContainer(record, name, { isPosted: true });
      break;
    case "startup":
      if (isPassed) return withContainer(record, name, { isStartupPassed: true });
      break;
    case "liveness":
      if (isPassed) return record;
      break;
  }
  if (known.ending !== undefined) return record;
  const graceMs = graceSeconds(kind, container, pod) * 1000;
  return withContainer(record, name, { ending: newEnding(whyEnded(kind, name), graceMs, nowMs) });
}

/** The beginning of a run's end. */
export function newEnding(why: string, graceMs: number, sinceMs: number): Ending {
  return { why, graceMs, sinceMs, isHookOver: false, signalledAtMs: undefined, killedAtMs: undefined };
}

function whyEnded(kind: "postStart" | "startup" | "liveness", name: string): string {
  const what = kind === "postStart" ? "its postStart hook failed" : `failed ${kind} probe`;
  return `container ${name} ${what}, will be restarted`;
}

/** A probe may have a grace of its own; the pod's counts else. */
function graceSeconds(kind: "postStart" | "startup" | "liveness", container: Container, pod: Pod): number {
  const probe = kind === "postStart" ? undefined : container[`${kind}Probe`];
  return probe?.terminationGracePeriodSeconds ?? graceSecondsOf(pod);
}
