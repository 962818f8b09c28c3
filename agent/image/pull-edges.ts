import { type BackoffLimits, backoffMs } from "../../lib/backoff.js";
import type { Clock } from "../../lib/clock.js";
import type { TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Rng } from "../../lib/rng.js";
import { asDiskError } from "./disk-errors.js";
import { isWorthAnotherEndpoint, pullFailure } from "./pull-failures.js";
import type { Registry, RegistryRequest } from "./registry/registry.js";

/** What pulling needs from outside. */
export interface PullEdges {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** Something that is asked of the endpoints in turn. */
export interface Question<T> {
  /** For errors. */
  readonly what: string;
  /** One per endpoint, in the order in which they are asked. */
  readonly requests: readonly RegistryRequest[];
  readonly ask: (request: RegistryRequest) => Promise<T>;
  /** Grows when a try that failed was still of use: then the tries begin to count anew. */
  readonly progress?: () => number;
}

/** An answer, and the request that got it. */
export interface Answered<T> {
  readonly value: T;
  readonly request: RegistryRequest;
}

const RETRY: BackoffLimits = { firstMs: 200, maxMs: 2_000 };

/**
 * Asks the endpoints in order until one answers. Those whose failure may pass (a broken connection) are asked again in
 * rounds with growing pauses, limits.registryTries at most without progress; an endpoint that said no is not asked again.
 */
export async function firstAnswer<T>(edges: PullEdges, question: Question<T>): Promise<Answered<T>> {
  const { what, requests, ask, progress = () => 0 } = question;
  const failures = new Map<RegistryRequest, TallshipError>();
  let open = requests;
  for (let fruitlessCount = 1; ; fruitlessCount += 1) {
    const before = progress();
    const answered = await round(open, failures, ask);
    if (answered !== undefined) return answered;
    open = open.filter((request) => failures.get(request)?.code === "image_pull_failed");
    if (progress() > before) fruitlessCount = 1;
    if (open.length === 0 || fruitlessCount >= limit("registryTries")) break;
    const signal = open[0]?.signal ?? new AbortController().signal;
    await edges.clock.sleep(backoffMs(RETRY, fruitlessCount - 1, edges.rng), signal);
  }
  const told = requests.flatMap((request) => failures.get(request) ?? []);
  throw pullFailure(what, told);
}

async function round<T>(
  requests: readonly RegistryRequest[],
  failures: Map<RegistryRequest, TallshipError>,
  ask: (request: RegistryRequest) => Promise<T>,
): Promise<Answered<T> | undefined> {
  for (const request of requests) {
    try {
      return { value: await ask(request), request };
    } catch (caught) {
      const error = asDiskError(caught);
      if (!isWorthAnotherEndpoint(error)) throw error;
      failures.set(request, error);
    }
  }
  return undefined;
}
