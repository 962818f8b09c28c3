import type { Place } from "../load/node.js";
import type { Located } from "../model/reader.js";
import { noteField, type ServiceContext } from "./context.js";
import { verbatim } from "./environment.js";
import { at, type Part } from "./part.js";

/** Failures in a row that count for ever: docker never restarts a container because it is not healthy. */
const NEVER = 2_147_483_647;
const DEFAULT_SECONDS = { interval: 30, timeout: 30, start_interval: 5 } as const;

/**
 * The health check as probes: readiness, because docker takes an unhealthy container out of nothing but what waits for it, and never restarts
 * it. While it starts it is asked every start_interval by a startup probe that never fails.
 */
export function probeParts(context: ServiceContext): { readonly readinessProbe?: Part; readonly startupProbe?: Part } {
  const check = context.service.model.healthcheck;
  if (check === undefined || check.value.disable?.value === true) return {};
  const { test, interval, timeout, retries, start_period, start_interval } = check.value;
  if (test === undefined) {
    noteField(context, "healthcheck", check.place, "the image's own health check is not known here: write test");
    return {};
  }
  const command = commandOf(test, context);
  if (command === undefined) return {};
  const seconds = (field: keyof typeof DEFAULT_SECONDS, found: Located<number> | undefined): number =>
    wholeSeconds(context, found, field, DEFAULT_SECONDS[field]);
  const exec = { command };
  const timeoutSeconds = seconds("timeout", timeout);
  const periodSeconds = seconds("interval", interval);
  const failureThreshold = retries === undefined || retries.value === 0 ? 3 : retries.value;
  const readinessProbe = at(check.place, { exec, timeoutSeconds, periodSeconds, failureThreshold });
  if (start_period === undefined && start_interval === undefined) return { readinessProbe };
  const startSeconds = Math.min(periodSeconds, seconds("start_interval", start_interval));
  const startupProbe = at(check.place, { exec, timeoutSeconds, periodSeconds: startSeconds, failureThreshold: NEVER });
  return { readinessProbe, startupProbe };
}

function commandOf(
  { value, place }: Located<readonly string[]>,
  context: ServiceContext,
): readonly string[] | undefined {
  const [form = "", ...words] = value;
  if (form === "NONE") return undefined;
  if (form === "CMD") return words.map(verbatim);
  if (form === "CMD-SHELL") return ["/bin/sh", "-c", words.map(verbatim).join(" ")];
  context.tell.problem(
    place,
    [...context.path, "healthcheck", "test"],
    "want NONE, CMD or CMD-SHELL as the first word",
  );
  return undefined;
}

/** Seconds of a duration; 0 stands for docker's default, and what is no whole second is rounded up and said. */
function wholeSeconds(
  context: ServiceContext,
  found: Located<number> | undefined,
  field: string,
  fallback: number,
): number {
  if (found === undefined || found.value === 0) return fallback;
  const seconds = Math.max(1, Math.ceil(found.value / 1000));
  if (seconds * 1000 !== found.value) roundingNote(context, found.place, field, seconds);
  return seconds;
}

function roundingNote(context: ServiceContext, place: Place, field: string, seconds: number): void {
  context.tell.note(place, [...context.path, "healthcheck", field], `rounded up to ${seconds}s`);
}
