import type { Clock } from "../../lib/clock.js";
import { assert, hasCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { sharedAbort } from "../../lib/shared-abort.js";
import { storeError } from "./etcd-errors.js";
import { type EtcdStubs, etcdStubs } from "./etcd-stubs.js";
import type { EtcdTls } from "./etcd-tls.js";

/** Where etcd is and how it is spoken to, asked anew for each connection: members come and go, certificates are renewed. */
export interface EtcdAddress {
  /** host:port, the preferred one first; at least one. */
  readonly endpoints: () => readonly string[];
  /** The same object until it is renewed. Absent: plain text, for loopback only. */
  readonly tls?: () => EtcdTls;
}

/** One endpoint while it is in use. */
export interface EtcdEndpoint {
  readonly address: string;
  readonly client: EtcdStubs;
  /** Aborted when the endpoint was given up: streams on it move to the next. */
  readonly abandoned: AbortSignal;
}

interface Use extends EtcdEndpoint {
  readonly tls: EtcdTls | undefined;
  readonly abandon: () => void;
}

/**
 * The connection to an etcd cluster: one endpoint at a time, all calls and streams on it, so that a failure is seen once and everything
 * moves together. Replaces etcd3's choice of a random endpoint per call, with which a third of all calls fail while one of three is away.
 */
export class EtcdConnection {
  readonly clock: Clock;
  private readonly address: EtcdAddress;
  private readonly log: Log;
  private readonly closing = sharedAbort();
  private next = 0;
  private use: Use | undefined;

  constructor(address: EtcdAddress, clock: Clock, log: Log) {
    this.address = address;
    this.clock = clock;
    this.log = log;
  }

  /** Aborted when the connection was closed. */
  get closed(): AbortSignal {
    return this.closing.signal;
  }

  /** The endpoint in use; connects on first use. Throws store_unavailable when closed. */
  endpoint(): EtcdEndpoint {
    if (this.closing.signal.aborted) throw new TallshipError("store_unavailable", "the connection to etcd is closed");
    this.use ??= this.open();
    return this.use;
  }

  /** Gives an endpoint up, if it is still in use: the next of the list takes its place. With one endpoint it is opened anew. */
  abandon(endpoint: EtcdEndpoint): void {
    if (this.use !== endpoint) return;
    this.use.abandon();
    this.use.client.close();
    this.use = undefined;
    this.next += 1;
    this.log.warn("etcd endpoint given up", { endpoint: endpoint.address });
  }

  /** One unary call with a deadline, never repeated. An endpoint that does not answer is given up if there is another, or a new certificate. */
  async call<T>(
    operation: string,
    run: (client: EtcdStubs, options: { readonly deadline: number }) => Promise<T>,
  ): Promise<T> {
    const endpoint = this.endpoint();
    try {
      return await run(endpoint.client, { deadline: this.clock.nowMs() + limit("storeDeadlineMs") });
    } catch (failure) {
      const error = storeError(operation, failure);
      const isAway = hasCode(error, "store_unavailable") || hasCode(error, "deadline_exceeded");
      if (isAway && this.canDoBetter()) this.abandon(endpoint);
      throw error;
    }
  }

  close(): void {
    this.closing.abort();
    this.use?.abandon();
    this.use?.client.close();
    this.use = undefined;
  }

  private canDoBetter(): boolean {
    return this.address.endpoints().length > 1 || this.use?.tls !== this.address.tls?.();
  }

  private open(): Use {
    const endpoints = this.address.endpoints();
    const address = endpoints[this.next % endpoints.length];
    assert(address !== undefined, "etcd has at least one endpoint");
    const tls = this.address.tls?.();
    const client = etcdStubs({ address, tls });
    const given = sharedAbort();
    return { address, client, tls, abandoned: given.signal, abandon: () => given.abort() };
  }
}
