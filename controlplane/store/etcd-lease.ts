import type { ILeaseKeepAliveResponse } from "etcd3";
import type { Cancel, Clock } from "../../lib/clock.js";
import { hasCode } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { EtcdConnection } from "./etcd-connection.js";
import { storeError } from "./etcd-errors.js";
import type { Lease } from "./store.js";

// A lease is renewed this often within its time; two renewals may be lost.
const renewalsPerTtl = 4;

/** Grants a lease and keeps it until it is revoked, lost, or the connection is closed. */
export async function grantLease(connection: EtcdConnection, ttlMs: number, log: Log): Promise<Lease> {
  const askedAtMs = connection.clock.monotonicMs();
  const granted = await connection.call("grant lease", (client, options) =>
    client.lease.leaseGrant({ TTL: Math.ceil(ttlMs / 1_000), ID: 0 }, options),
  );
  const lease = new KeptLease(connection, { id: granted.ID, ttlMs: Number(granted.TTL) * 1_000, log });
  lease.renewed(askedAtMs);
  void lease.keep();
  return lease;
}

/**
 * A lease and its renewal. The holder's time runs from when the last acknowledged renewal was sent, so that it always ends before
 * etcd's, whatever the way takes; etcd3's own lease tells a loss four seconds late.
 */
class KeptLease implements Lease {
  readonly id: string;
  private readonly ttlMs: number;
  private readonly connection: EtcdConnection;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly ending = new AbortController();
  private cancelExpiry: Cancel = () => undefined;

  constructor(connection: EtcdConnection, { id, ttlMs, log }: { id: string; ttlMs: number; log: Log }) {
    this.connection = connection;
    this.clock = connection.clock;
    this.id = id;
    this.ttlMs = ttlMs;
    this.log = log;
    connection.closed.addEventListener("abort", () => this.end(), { once: true, signal: this.ending.signal });
  }

  get lost(): AbortSignal {
    return this.ending.signal;
  }

  async revoke(): Promise<void> {
    this.end();
    try {
      await this.connection.call("revoke lease", (client, options) =>
        client.lease.leaseRevoke({ ID: this.id }, options),
      );
    } catch (error) {
      // It has run out, or was revoked before.
      if (!hasCode(error, "failed_precondition")) throw error;
    }
  }

  /** Counts the holder's time anew from when the acknowledged renewal was sent. */
  renewed(sentAtMs: number): void {
    if (this.lost.aborted) return;
    this.cancelExpiry();
    const untilMs = sentAtMs + this.ttlMs - limit("leaseMarginMs");
    this.cancelExpiry = this.clock.after(Math.max(0, untilMs - this.clock.monotonicMs()), () => {
      this.log.warn("lease was not renewed in time", { lease: this.id });
      this.end();
    });
  }

  /** Renews until the lease ends, on one stream after another. */
  async keep(): Promise<void> {
    const retryMs = limit("storeReconnectFirstMs");
    while (!this.lost.aborted) {
      try {
        await this.renewOnStream();
      } catch (error) {
        if (!this.lost.aborted) this.log.info("renewal of a lease broke; connecting again", { lease: this.id, error });
      }
      await this.clock.sleep(retryMs, this.lost).catch(() => undefined);
    }
  }

  private end(): void {
    this.cancelExpiry();
    this.ending.abort();
  }

  private async renewOnStream(): Promise<void> {
    const endpoint = this.connection.endpoint();
    const stream = await endpoint.client.lease.leaseKeepAlive();
    const stop = AbortSignal.any([this.lost, endpoint.abandoned]);
    const sentAtMs: number[] = [];
    let cancelNext: Cancel = () => undefined;
    const send = (): void => {
      // Three renewals without an answer: this endpoint is away, or has no leader.
      if (sentAtMs.length >= renewalsPerTtl - 1) this.connection.abandon(endpoint);
      if (stop.aborted) return;
      sentAtMs.push(this.clock.monotonicMs());
      stream.write({ ID: this.id });
      cancelNext = this.clock.after(this.ttlMs / renewalsPerTtl, send);
    };
    const take = (response: ILeaseKeepAliveResponse): void => {
      const sent = sentAtMs.shift();
      if (Number(response.TTL) <= 0) this.end();
      else if (sent !== undefined) this.renewed(sent);
    };
    try {
      await new Promise<void>((resolve, reject) => {
        stream.on("error", (failure) => reject(storeError("renew lease", failure)));
        stream.on("end", resolve);
        stream.on("data", take);
        stop.addEventListener("abort", () => resolve(), { once: true });
        if (stop.aborted) resolve();
        else send();
      });
    } finally {
      cancelNext();
      stream.cancel();
    }
  }
}
