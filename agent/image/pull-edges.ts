import { type BackoffLimits, backoffMs } from "../../lib/backoff.js";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError, type TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Rng } from "../../lib/rng.js";
import { type EndpointFailure, isWorthAnotherEndpoint, pullFailure } from "./pull-failures.js";
import type { Registry, RegistryRequest } from "./registry/registry.js";

/** What pulling needs from outside. */
export interface PullEdges {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly rng: Rng;
}

const RETRY: BackoffLimits = { firstMs: 200, maxMs: 2_000 };

/**
 * Waits before the next try at an endpoint; false when there is none: the failure is not one that passes, the tries are used
 * up, or the caller gave up.
 */
export async function isTriedAgain(
  { clock, rng }: PullEdges,
  error: TallshipError,
  failedCount: number,
  signal: AbortSignal,
): Promise<boolean> {
  if (error.code !== "image_pull_failed" || failedCount >= limit("registryTries")) return false;
  return clock.sleep(backoffMs(RETRY, failedCount - 1, rng), signal).then(
    () => true,
    () => false,
  );
}

/** Asks the endpoints in order until one answers; each is asked again while its failure is one that passes. */
export async function firstAnswer<T>(
  edges: PullEdges,
  what: string,
  requests: readonly RegistryRequest[],
  ask: (request: RegistryRequest) => Promise<T>,
): Promise<T> {
  const failures: EndpointFailure[] = [];
  for (const request of requests) {
    const answer = await askPatiently(edges, request, ask);
    if ("value" in answer) return answer.value;
    if (!isWorthAnotherEndpoint(answer.error)) throw answer.error;
    failures.push({ origin: request.endpoint.origin, error: answer.error });
  }
  throw pullFailure(what, failures);
}

async function askPatiently<T>(
  edges: PullEdges,
  request: RegistryRequest,
  ask: (request: RegistryRequest) => Promise<T>,
): Promise<{ readonly value: T } | { readonly error: TallshipError }> {
  for (let failedCount = 1; ; failedCount += 1) {
    try {
      return { value: await ask(request) };
    } catch (caught) {
      const error = asTallshipError(caught);
      if (!(await isTriedAgain(edges, error, failedCount, request.signal))) return { error };
    }
  }
}
