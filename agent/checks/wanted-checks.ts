import { isPauseAsked } from "../../kinds/paused.js";
import { everyContainer, isOneOff } from "../../kinds/pod-containers.js";
import { limit } from "../../lib/limits.js";
import type { Container, LifecycleHandler, Probe } from "../../proto/gen/tallship/v1/container.js";
import type { IntOrString } from "../../proto/gen/tallship/v1/meta.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { isPaused } from "../pause-step.js";
import { type ContainerRecord, containerRecord } from "../pod-record.js";
import type { PodTurn } from "../pod-turn.js";
import type { ObservedContainer } from "../runtime/runtime.js";
import type { Check, CheckKind, CheckTarget } from "./check.js";

/** The checks that shall go on for a pod now, from what runs and what is remembered. Pure; a check that is no longer named here ends. */
export function wantedChecks(turn: PodTurn, pod: Pod): readonly Check[] {
  return everyContainer(pod).flatMap((container) => {
    const known = containerRecord(turn.record, container.name);
    const run = turn.containers.find(
      ({ container: name, attempt }) => name === container.name && attempt === known.attempt,
    );
    if (run?.state.is !== "running" || isStill(run, pod, known)) return [];
    return kindsFor(pod, container, known).flatMap((kind) => checkOf(kind, container, { turn, pod, run, known }));
  });
}

/** Nothing is asked of what is paused, nor of what is about to be: it would be taken for hung. */
function isStill(run: ObservedContainer, pod: Pod, { ending }: ContainerRecord): boolean {
  return isPaused(run) || (ending === undefined && isPauseAsked(pod, run));
}

/** In the order of a run's life: the hook after the start holds the startup probe back, which holds the others back. */
function kindsFor(
  pod: Pod,
  { name, lifecycle, startupProbe }: Container,
  known: ContainerRecord,
): readonly CheckKind[] {
  if (isOneOff(pod, name)) return [];
  const { ending } = known;
  if (ending !== undefined) {
    const isHookDue = !ending.isHookOver && ending.signalledAtMs === undefined && ending.graceMs > 0;
    return isHookDue ? ["preStop", "readiness"] : ["readiness"];
  }
  if (lifecycle?.postStart !== undefined && !known.isPosted) return ["postStart"];
  return startupProbe !== undefined && !known.isStartupPassed ? ["startup"] : ["liveness", "readiness"];
}

interface Ground {
  readonly turn: PodTurn;
  readonly pod: Pod;
  readonly run: ObservedContainer;
  readonly known: ContainerRecord;
}

function checkOf(kind: CheckKind, container: Container, ground: Ground): readonly Check[] {
  if (kind === "postStart" || kind === "preStop") return hookOf(kind, container, ground);
  const probe = container[`${kind}Probe`];
  if (probe === undefined) return [];
  const { turn, run } = ground;
  const startedAtMs = run.state.is === "running" ? run.state.startedAtMs : turn.nowMs;
  const target = targetOf(probe, container, hostOf(turn));
  const timing = {
    firstAtMs: startedAtMs + probe.initialDelaySeconds * 1000,
    periodMs: (probe.periodSeconds ?? 10) * 1000,
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1000,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
  };
  return [{ kind, container: container.name, attempt: run.attempt, target, timing }];
}

function hookOf(kind: "postStart" | "preStop", container: Container, { turn, run, known }: Ground): readonly Check[] {
  const handler = container.lifecycle?.[kind];
  if (handler === undefined) return [];
  const { ending } = known;
  const timeoutMs = kind === "preStop" && ending !== undefined ? ending.graceMs : limit("postStartMs");
  const timing = { firstAtMs: 0, periodMs: undefined, timeoutMs, successThreshold: 1, failureThreshold: 1 };
  const target = targetOf(handler, container, hostOf(turn));
  return [{ kind, container: container.name, attempt: run.attempt, target, timing }];
}

/** After a restart of the agent the hooks have not run yet: then the object knows the address. */
function hostOf({ facts, desired }: PodTurn): string {
  const status = desired?.status;
  if (facts.address !== "") return facts.address;
  return (desired?.spec?.hostNetwork === true ? status?.hostIP : status?.podIP) ?? "";
}

function targetOf(handler: Probe | LifecycleHandler, container: Container, podHost: string): CheckTarget {
  const { exec, httpGet, tcpSocket } = handler;
  if (exec !== undefined) return { is: "exec", command: exec.command };
  if ("sleep" in handler && handler.sleep !== undefined) return { is: "sleep", ms: handler.sleep.seconds * 1000 };
  if (httpGet !== undefined) {
    const { scheme, host, path, httpHeaders: headers } = httpGet;
    return atPort(httpGet.port, container, (port) => ({
      is: "http",
      scheme: scheme === "HTTPS" ? "HTTPS" : "HTTP",
      host: host || podHost,
      port,
      path: path.startsWith("/") ? path : `/${path}`,
      headers,
    }));
  }
  if (tcpSocket !== undefined)
    return atPort(tcpSocket.port, container, (port) => ({ is: "tcp", host: tcpSocket.host || podHost, port }));
  if ("grpc" in handler && handler.grpc !== undefined)
    return { is: "grpc", host: podHost, port: handler.grpc.port, service: handler.grpc.service };
  return { is: "impossible", message: "it says nothing to do" };
}

/** A port by number, or by the name that one of the container's own ports has. */
function atPort(
  port: IntOrString | undefined,
  { name, ports }: Container,
  target: (port: number) => CheckTarget,
): CheckTarget {
  const asked = port?.value?.value;
  if (typeof asked === "number") return target(asked);
  const named = ports.find((one) => one.name === asked);
  const isNumber = asked !== undefined && /^\d{1,5}$/.test(asked);
  if (named !== undefined) return target(named.containerPort);
  return isNumber
    ? target(Number(asked))
    : { is: "impossible", message: `container ${name} has no port named ${asked}` };
}
