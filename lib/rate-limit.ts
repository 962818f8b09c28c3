interface Bucket {
  tokens: number;
  readAtMs: number;
}

/** How often something may happen for each key. */
export interface RateLimitTerms {
  readonly perSecond: number;
  /** At once, after a rest. */
  readonly burst: number;
  /** Keys remembered; the one that was quiet for longest is forgotten first. */
  readonly maxKeys: number;
}

/** A token bucket per key. Time comes in by the monotonic clock. */
export class RateLimit {
  private readonly terms: RateLimitTerms;
  private readonly buckets = new Map<string, Bucket>();

  constructor(terms: RateLimitTerms) {
    this.terms = terms;
  }

  /** Takes one token; false when there is none. */
  take(key: string, nowMs: number): boolean {
    const bucket = this.buckets.get(key) ?? { tokens: this.terms.burst, readAtMs: nowMs };
    const earned = ((nowMs - bucket.readAtMs) / 1_000) * this.terms.perSecond;
    bucket.tokens = Math.min(this.terms.burst, bucket.tokens + earned);
    bucket.readAtMs = nowMs;
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    this.forgetOldest();
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  private forgetOldest(): void {
    if (this.buckets.size <= this.terms.maxKeys) return;
    const [oldest] = this.buckets.keys();
    if (oldest !== undefined) this.buckets.delete(oldest);
  }
}
