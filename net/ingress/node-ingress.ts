import { isIngressNode, isServedHere } from "../../kinds/ingress.js";
import type { Clock } from "../../lib/clock.js";
import { asTallshipError, hasCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import type { Ingress } from "../../proto/gen/tallship/v1/ingress.js";
import { Lane, Repeater } from "../lane.js";
import type { NetworkMap } from "../node-network.js";
import { Settler } from "../settler.js";
import { BackendServers } from "./backend-servers.js";
import { type ReadCertificate, readCertificate } from "./certificate.js";
import type { IngressProxy } from "./ingress-proxy.js";
import { type ProxySite, proxyText } from "./proxy-text.js";
import { RefusedIngresses, refusedAmong } from "./refused-ingresses.js";
import { type Routing, routingOf } from "./routing.js";

/** Reads what a Secret holds; undefined when there is none. */
export type ReadSecret = (
  name: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
) => Promise<Readonly<Record<string, Uint8Array>> | undefined>;

/** How the node's entry for HTTP is. */
export type IngressState =
  | { readonly is: "unused" }
  | { readonly is: "open"; readonly problems: readonly string[] }
  | { readonly is: "closed"; readonly why: string };

/** What serving ingresses needs. */
export interface NodeIngressOptions {
  readonly nodeName: string;
  readonly site: ProxySite;
  readonly proxy: IngressProxy;
  readonly readSecret: ReadSecret;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** The proxy reflects the map of this revision, or takes no requests. */
  readonly onApplied: (revision: number) => void;
  readonly onState: (state: IngressState) => void;
}

/**
 * Serves the cluster's ingresses on this node: a proxy is there while there is an ingress. Changed endpoints are told to the process that runs; everything else
 * starts another, which takes over without a lost connection. What fails is tried again; an ingress that the proxy refuses stops no other.
 */
export class NodeIngress {
  private readonly options: NodeIngressOptions;
  private readonly lane = new Lane();
  private readonly settler: Settler;
  private readonly checks: Repeater;
  private readonly over = new AbortController();
  private readonly servers = new BackendServers();
  private readonly certificates = new Map<string, ReadCertificate>();
  private readonly staleSecrets = new Set<string>();
  private readonly refused = new RefusedIngresses();
  private map: NetworkMap | undefined;
  private routed: { readonly from: NetworkMap; readonly routing: Routing } | undefined;

  constructor(options: NodeIngressOptions) {
    this.options = options;
    const { clock, rng } = options;
    this.settler = new Settler({
      ...{ lane: this.lane, clock, rng },
      work: () => this.settle(),
      onFailure: (error) => this.failed(error),
    });
    this.checks = new Repeater(clock, () => this.check());
    this.checks.schedule(limit("netCheckMs"));
  }

  /** The map to serve from now on; several calls in a row are one. */
  setMap(map: NetworkMap): void {
    this.map = map;
    this.settler.want();
  }

  /** These Secrets, namespace/name, have other content; undefined: any may have. */
  secretsChanged(names: ReadonlySet<string> | undefined): void {
    const known = [...this.certificates.keys()].filter((name) => names?.has(name) !== false);
    for (const name of known) this.staleSecrets.add(name);
    const isTriedAgain = this.refused.secretsChanged(names);
    if (isTriedAgain) this.routed = undefined;
    if (known.length > 0 || isTriedAgain) this.settler.want();
  }

  /** Stops looking; the proxy goes on. */
  async stop(): Promise<void> {
    this.checks.stop();
    this.settler.stop();
    this.over.abort();
    await this.lane.idle();
  }

  private async settle(): Promise<void> {
    const { map } = this;
    if (map === undefined) return;
    const { onState, onApplied } = this.options;
    const routing = this.routingFor(map);
    if (routing === undefined) return this.close(map);
    const unread = await this.readSecrets(routing);
    try {
      await this.bring(routing, map);
      this.refused.took(this.servedOf(map));
    } catch (error) {
      // One that is wrong must not stop all others: without it everything begins again.
      if (!hasCode(error, "failed_precondition") || !(await this.leaveOut(map))) throw error;
      return this.settle();
    }
    onApplied(map.revision);
    onState({ is: "open", problems: this.problemsOf(routing) });
    if (unread !== undefined) throw unread;
  }

  /** Where requests go; undefined when this node serves nothing. */
  private routingFor(map: NetworkMap): Routing | undefined {
    const { routed } = this;
    const isSame = routed?.from.ingresses === map.ingresses && routed.from.ingressClasses === map.ingressClasses;
    if (!isIngressNode(this.options.nodeName, map.nodes.values())) return undefined;
    if (routed !== undefined && isSame) return routed.routing;
    const served = this.servedOf(map);
    if (served.length === 0) return undefined;
    const routing = routingOf(served);
    this.routed = { from: map, routing };
    return routing;
  }

  private servedOf(map: NetworkMap): readonly Ingress[] {
    const classes = [...map.ingressClasses.values()];
    return this.refused.servable(map.ingresses).filter((ingress) => isServedHere(ingress, classes));
  }

  /** Nothing is to be served. Where that is so because the proxy refuses all there is, what runs goes on. */
  private async close(map: NetworkMap): Promise<void> {
    const { proxy, nodeName, onApplied, onState } = this.options;
    const refused = isIngressNode(nodeName, map.nodes.values()) ? this.refused.problems : [];
    if (refused.length > 0) throw new TallshipError("failed_precondition", refused.join("; "));
    await proxy.stop();
    this.servers.clear();
    onApplied(map.revision);
    onState({ is: "unused" });
  }

  /** Finds the ingresses that the proxy refuses, and leaves them out. False when there are none: then it is not their fault. */
  private async leaveOut(map: NetworkMap): Promise<boolean> {
    const { proxy, site } = this.options;
    const dir = `${site.dir}/trial`;
    const found = await refusedAmong(this.servedOf(map), (some) => {
      const routing = routingOf(some);
      // A place for a server, so that what stands in its line is tried too.
      const slots = new Map(routing.backends.map(({ id }) => [id, [undefined]] as const));
      return proxy.objection(proxyText({ routing, certificates: this.pems(), slots }, { ...site, dir }), dir);
    });
    this.refused.add(found);
    this.routed = undefined;
    return found.size > 0;
  }

  private pems(): ReadonlyMap<string, string> {
    return new Map(
      [...this.certificates].flatMap(([name, read]) => ("pem" in read ? [[name, read.pem] as const] : [])),
    );
  }

  /** Starts another process, or tells the one that runs. */
  private async bring(routing: Routing, map: NetworkMap): Promise<void> {
    const { proxy, site } = this.options;
    const changes = this.servers.update(routing.backends, map);
    const text = proxyText({ routing, certificates: this.pems(), slots: this.servers.slots }, site);
    const running = await proxy.running();
    if (running === text.digest) {
      if (changes.length > 0) await proxy.setServers(changes);
    } else {
      await proxy.start(text).catch(async (error: unknown) => {
        // Who goes on in its stead follows the endpoints that it knows: what is new is not among them.
        if (running !== undefined) await proxy.setServers(changes).catch(() => undefined);
        throw error;
      });
    }
    this.servers.told();
  }

  /** Reads what is not known yet, or no longer; returns why one could not be read. What was known of it stands meanwhile. */
  private async readSecrets({ certificates }: Routing): Promise<TallshipError | undefined> {
    const named = new Set(certificates.map(({ secret }) => secret));
    for (const known of [...this.certificates.keys()]) if (!named.has(known)) this.certificates.delete(known);
    let unread: TallshipError | undefined;
    for (const secret of named) {
      if (this.certificates.has(secret) && !this.staleSecrets.has(secret)) continue;
      const [namespace = "", name = ""] = secret.split("/");
      try {
        const values = await this.options.readSecret({ namespace, name }, this.over.signal);
        this.certificates.set(secret, readCertificate(values));
        this.staleSecrets.delete(secret);
      } catch (error) {
        unread = asTallshipError(error, "unavailable");
      }
    }
    return unread;
  }

  private problemsOf({ problems, certificates }: Routing): readonly string[] {
    const bad = certificates.flatMap(({ secret }) => {
      const read = this.certificates.get(secret);
      return read !== undefined && "why" in read ? [`secret ${secret}: ${read.why}`] : [];
    });
    return [...this.refused.problems, ...problems.map(({ ingress, why }) => `ingress ${ingress}: ${why}`), ...bad];
  }

  private failed(error: TallshipError): void {
    const { log, proxy, onState, onApplied } = this.options;
    log.warn("the ingress proxy is not as wanted", { code: error.code, error: error.message });
    if (error.code === "unavailable") return;
    onState({ is: "closed", why: error.message });
    // Without a process no request goes anywhere: nobody has to wait for this node.
    const revision = this.map?.revision ?? 0;
    void proxy.running().then((digest) => (digest === undefined ? onApplied(revision) : undefined));
  }

  /** A process that died is started again; one that runs costs a look. */
  private async check(): Promise<number> {
    const isWanted = this.map !== undefined && this.routingFor(this.map) !== undefined;
    if (isWanted && (await this.lane.run(() => this.options.proxy.running())) === undefined) this.settler.want();
    return limit("netCheckMs");
  }
}
