import { VERSION } from "../lib/build-info.js";
import { asTallshipError } from "../lib/errors.js";
import { limit } from "../lib/limits.js";
import { sharedAbort } from "../lib/shared-abort.js";
import type { NodeIngress } from "../net/ingress/node-ingress.js";
import { type NetworkAbilities, NOTHING_PUBLISHED, type NodeNetwork } from "../net/node-network.js";
import type { Pod } from "../proto/gen/tallship/v1/pod.js";
import { SessionHello, type Welcome } from "../proto/gen/tallship/v1/session.js";
import type { AgentEdges } from "./agent-edges.js";
import { buildLinks } from "./build-links.js";
import type { ControlPlane } from "./control-plane.js";
import { NodeDevices } from "./devices/node-devices.js";
import { deviceConditions, watchDevices } from "./devices/watch-devices.js";
import { executors } from "./execute.js";
import { imagesInUse } from "./hooks/image.js";
import { podHooks } from "./hooks/pod-hooks.js";
import { hostConditions } from "./host/host-conditions.js";
import { nodeIPs } from "./host/host-facts.js";
import { NodeConditions } from "./host/node-conditions.js";
import { nodeLabels, nodeStatus } from "./host/node-status.js";
import type { InUse } from "./image/unused-images.js";
import { floodNotice } from "./logs/flood.js";
import { LogRotation } from "./logs/rotation.js";
import { networkConfig } from "./network-config.js";
import { podAddresses } from "./pod-addresses.js";
import { PodLoop } from "./pod-loop.js";
import { podMetrics } from "./pod-metrics/pod-metrics.js";
import type { PodFailure } from "./pod-record.js";
import { PodStatuses } from "./pod-statuses.js";
import type { FitNode } from "./pressure/keep-fit.js";
import { refusalUnderPressure } from "./pressure/refusal.js";
import { AddressBook } from "./session/address-book.js";
import { AppliedRevision } from "./session/applied-revision.js";
import { claimReader } from "./session/claim-reader.js";
import { ClusterImages } from "./session/cluster-images.js";
import { configReader } from "./session/config-reader.js";
import { EndpointTracker } from "./session/endpoint-tracker.js";
import { ImageReporter } from "./session/image-reporter.js";
import { LeaderSession } from "./session/leader-session.js";
import { EMPTY_MAP, MAP_KINDS, nextMap, servicesIn } from "./session/network-map.js";
import { carryStream } from "./session/operator-streams.js";
import { PodEvents } from "./session/pod-events.js";
import { releasePod } from "./session/pod-release.js";
import { PolicyNews } from "./session/policy-news.js";
import { type ProbingPeers, probePeers } from "./session/probe-peers.js";
import { serveIngresses } from "./session/serve-ingresses.js";
import { StatusReporter } from "./session/status-reporter.js";
import { UsageReporter } from "./session/usage-reporter.js";
import { type WatchUpdate, watchObjects } from "./session/watch-objects.js";
import { watchPods } from "./session/watch-pods.js";
import { podTraces } from "./traces.js";
import { PodNamespaces } from "./userns/pod-namespaces.js";
import { watchVolumes } from "./volume/watch-volumes.js";

/**
 * One node's agent: a session to the leader, the node's network, and the loop that keeps its pods. It works without a control plane from what it
 * remembers; containers outlive it. Nothing in it knows time, chance or the machine but through its edges.
 */
export class Agent {
  private readonly edges: AgentEdges;
  private readonly book: AddressBook;
  private readonly session: LeaderSession;
  private readonly statuses: StatusReporter;
  private readonly events: PodEvents;
  private readonly endpoints: EndpointTracker;
  private readonly images: ImageReporter;
  private readonly clusterImages = new ClusterImages();
  private readonly usage: UsageReporter;
  private readonly policies: PolicyNews;
  private readonly devices: NodeDevices;
  private readonly users: PodNamespaces;
  private readonly inUse = (): InUse => imagesInUse(this.loop?.list() ?? [], this.edges.images, this.clusterImages);
  private readonly over = sharedAbort();
  private readonly ended: Promise<void>[] = [];
  private overlay: NetworkAbilities | undefined;
  private published = NOTHING_PUBLISHED;
  private isStarting = false;
  private cutOverRevision = 0;
  private configRevision = 0;
  private cancelCatchUp = (): void => undefined;
  private map = EMPTY_MAP;
  private network: NodeNetwork | undefined;
  private loop: PodLoop | undefined;
  private openLink: ReturnType<typeof buildLinks> | undefined;
  private rotation: LogRotation | undefined;
  private ingress: NodeIngress | undefined;
  private probing: ProbingPeers | undefined;
  private readonly conditions = new NodeConditions((all) => this.session.reportConditions(all));

  constructor(edges: AgentEdges) {
    this.edges = edges;
    const { clock, rng, log, facts } = edges;
    this.book = new AddressBook(edges.dialer, edges.controlPlaneAddresses);
    this.book.learn(edges.memory.controlPlaneAddresses);
    edges.moved?.onMoved((address) => this.book.learn([address]));
    this.devices = new NodeDevices(edges.devices, log);
    this.users = new PodNamespaces(edges.users);
    this.endpoints = new EndpointTracker(facts.nodeName);
    this.session = new LeaderSession({
      book: this.book,
      clock,
      rng,
      log,
      hello: () => this.hello(),
      usage: () => edges.usage.read(),
      onWelcome: (welcome) => this.welcomed(welcome),
      onControlPlanes: () => this.remember(edges.memory.podCIDRs),
      onCutOver: (revision) => this.cutOver(revision),
      onOpenStream: (open) => {
        if (this.loop === undefined) return;
        const ofPods = edges.streams(this.loop, (uid) => this.users.idsOf(uid));
        const streams = { ...ofPods, ...edges.imageStreams(this.inUse, this.openLink) };
        void carryStream({ book: this.book, streams, log }, open, this.over.signal);
      },
      onConfigsChanged: ({ configs, revision }) => {
        this.configRevision = Math.max(this.configRevision, revision);
        this.loop?.configsChanged(new Set(configs.map(({ kind, namespace, name }) => `${kind}/${namespace}/${name}`)));
        this.ingress?.secretsChanged(new Set(configs.map(({ namespace, name }) => `${namespace}/${name}`)));
      },
      onPolicies: (update) => this.policies.take(update),
      content: edges.fabric,
      onUsageWanted: (wanted) => this.usage.want(wanted),
    });
    this.policies = new PolicyNews({
      clock,
      memory: edges.memory,
      onPolicies: (policies) => this.overlay && this.network?.setPolicies(policies),
    });
    edges.fabric?.attach(this.session);
    // A layer is told of as soon as it is verified: others wait for it.
    edges.images.onContent(() => this.images.refresh());
    this.images = new ImageReporter(edges.images, this.session);
    this.usage = new UsageReporter({
      clock,
      pods: () => (this.loop?.list() ?? []).map(({ record }) => record.uid),
      stats: (uid) => edges.runtime.stats(uid),
      metrics: podMetrics((uid) => {
        const known = this.loop?.get(uid);
        return known && { pod: known.desired, address: known.facts.address };
      }, edges.fetchPage),
      send: (pods) => this.session.reportUsage(pods),
    });
    this.statuses = new StatusReporter({ book: this.book, clock, rng, log });
    this.events = new PodEvents({
      clock,
      nodeName: facts.nodeName,
      send: (events) => this.session.reportEvents(events),
    });
  }

  /** Starts from what the node remembers; without that, once the control plane has given it a pod subnet. */
  start(): void {
    const { podCIDRs } = this.edges.memory;
    if (podCIDRs.length > 0) this.startNode(podCIDRs);
    this.keep(this.session.run(this.over.signal));
    this.keep(this.statuses.run(this.over.signal));
  }

  /** Ends everything but containers and network; resolves when it has ended. */
  async stop(): Promise<void> {
    this.over.abort();
    this.events.close();
    this.usage.want();
    this.cancelCatchUp();
    this.policies.close();
    this.rotation?.close();
    this.probing?.stop();
    await this.loop?.stop();
    await this.network?.stop();
    await this.ingress?.stop();
    await Promise.allSettled(this.ended);
    this.book.close();
  }

  /** Whether the leader has welcomed the node. */
  get isConnected(): boolean {
    return this.session.isConnected;
  }

  /** The pods' loop, once the node has its network. */
  get pods(): PodLoop | undefined {
    return this.loop;
  }

  private keep(running: Promise<void>): void {
    this.ended.push(running.catch((error: unknown) => this.broke(error)));
  }

  private broke(error: unknown): void {
    const { code, message } = asTallshipError(error);
    if (!this.over.signal.aborted) this.edges.log.error("a part of the agent ended", { code, error: message });
  }

  private hello(): SessionHello {
    const { facts, clock } = this.edges;
    const now = {
      overlay: this.overlay,
      published: this.published,
      reported: this.conditions.all,
      devices: this.devices.report(),
    };
    return SessionHello.fromPartial({
      bootID: facts.bootId,
      agentVersion: VERSION,
      status: nodeStatus(facts, { ...now, nowMs: clock.nowMs() }),
      labels: nodeLabels(facts),
    });
  }

  private remember(podCIDRs: readonly string[]): void {
    this.edges.memory.remember({ podCIDRs, controlPlaneAddresses: this.book.known });
  }

  private welcomed({ podCIDRs }: Welcome): void {
    this.remember(podCIDRs);
    this.images.begin();
    this.edges.fabric?.resume();
    this.probing?.welcomed();
    // What changed while nobody told. Spread, or a new leader would be asked for everything by everybody at once.
    this.cancelCatchUp();
    const { clock, rng } = this.edges;
    this.cancelCatchUp = clock.after(rng.below(limit("configCatchUpMs")), () => {
      this.loop?.configsChanged(undefined);
      this.ingress?.secretsChanged(undefined);
    });
    if (podCIDRs.length > 0) this.startNode(podCIDRs);
  }

  /** What the node offers is another. */
  private offer(): void {
    this.conditions.report(deviceConditions(this.devices));
    this.session.describe();
  }

  private cutOver(revision: number): void {
    this.cutOverRevision = Math.max(this.cutOverRevision, revision);
    this.loop?.markStopping();
  }

  /** Brings up the network, then the pods. What fails is tried again: a node without network has nothing else to do. */
  private startNode(podCIDRs: readonly string[]): void {
    if (this.isStarting) return;
    this.isStarting = true;
    this.keep(this.bringUp(podCIDRs));
  }

  private async bringUp(podCIDRs: readonly string[]): Promise<void> {
    const { clock, log, facts, runtime, checkpoint } = this.edges;
    const { signal } = this.over;
    const config = networkConfig(this.edges, podCIDRs);
    const network = this.edges.network(config);
    this.network = network;
    const applied = new AppliedRevision(["rules", "ingress"], (revision) => this.session.applied(revision));
    network.onPublished((published) => {
      this.published = published;
      this.session.describe();
    });
    network.onApplied((revision) => applied.applied("rules", revision));
    this.ingress = serveIngresses({
      ...{ ...this.edges, book: this.book, nodeName: facts.nodeName },
      configRevision: () => this.configRevision,
      onApplied: (revision) => applied.applied("ingress", revision),
      onCondition: (condition) => this.conditions.report([condition]),
    });
    while (this.overlay === undefined) {
      try {
        this.overlay = await network.start();
      } catch (error) {
        if (signal.aborted) return;
        log.error("the node's network did not start", { error: asTallshipError(error).message });
        await clock.sleep(1_000, signal);
      }
    }
    if (this.policies.policies !== undefined) network.setPolicies(this.policies.policies);
    const { session, overlay } = this;
    const onCondition: Parameters<typeof probePeers>[0]["onCondition"] = (condition) =>
      this.conditions.report([condition]);
    this.probing = probePeers({ ...this.edges, ...config, overlay, network, session, onCondition });
    const inUse = await network.list();
    const saved = await checkpoint.load();
    const addresses = podAddresses(config, inUse);
    const loop = this.makeLoop(network, addresses);
    const { dnsAddress } = this.edges.cluster;
    this.openLink = buildLinks({
      network,
      addresses,
      runDir: this.edges.traits.runDir,
      dnsAddress,
      rng: this.edges.rng,
    });
    this.loop = loop;
    loop.adopt(saved, [...(await podTraces(this.edges, inUse, saved)), ...this.devices.pods(), ...this.users.pods()]);
    this.conditions.report([...hostConditions(this.edges), ...this.users.conditions()]);
    this.offer();
    log.info("node is up", { node: facts.nodeName, podCIDRs, runtime: runtime.version, pods: saved.length });
    this.rotation = new LogRotation({
      clock,
      log,
      runs: () => loop.running(),
      logs: this.edges.logs,
      rotate: (run) => this.edges.logs.rotate(run, (key) => runtime.reopenLog(key)),
      onFlood: ({ podUid, container }, keptMs) => {
        const pod = loop.get(podUid)?.desired;
        if (pod !== undefined) this.events.add(floodNotice(pod, container, keptMs));
      },
    });
    const watched = { ...this.edges, book: this.book, nodeName: facts.nodeName };
    this.keep(watchPods({ ...watched, loop }, signal));
    this.keep(this.watchMap(network));
    if (this.edges.collectImages !== undefined) this.keep(this.edges.collectImages(this.inUse, signal));
    if (this.edges.keepFit !== undefined) this.keep(this.edges.keepFit(this.fitNode(loop), signal));
    this.keep(this.clusterImages.follow(watched, signal));
    this.keep(watchVolumes(watched, signal));
    this.keep(watchDevices({ devices: this.devices, clock, onChange: () => this.offer() }, signal));
  }

  private fitNode(loop: PodLoop): FitNode {
    return {
      pods: () => loop.list(),
      evict: (uid, failure) => loop.evict(uid, failure),
      notify: (notice) => this.events.add(notice),
      onConditions: (conditions) => this.conditions.report(conditions),
      inUse: this.inUse,
    };
  }

  private refuse(pod: Pod): PodFailure | undefined {
    const failure = refusalUnderPressure(pod, this.conditions.all);
    if (failure !== undefined) this.events.add({ pod, container: "", type: "Warning", ...failure });
    return failure;
  }

  private makeLoop(network: NodeNetwork, addresses: ReturnType<typeof podAddresses>): PodLoop {
    const { edges } = this;
    const { clock, rng, log, runtime, facts } = edges;
    const configs = configReader(this.book, () => this.configRevision);
    const controlPlane: ControlPlane = {
      releasePod: (pod) => releasePod(this.book, pod),
      notify: (notice) => this.events.add(notice),
    };
    const { users, devices } = this;
    const hooks = podHooks({
      ...{ edges, network, addresses, configs, users, devices },
      claims: claimReader(this.book, clock),
      specOf: (reference) => this.clusterImages.specOf(reference),
      onPull: (...pull) => this.loop?.pulling(...pull),
    });
    const statuses = new PodStatuses(
      { nodeIPs: nodeIPs(facts), runtimeName: runtime.version.split("://")[0] ?? "" },
      (pod, status) => this.statuses.report(pod, status),
    );
    const { rootfs, imageRoots, disk, logs, traits: node } = edges;
    return new PodLoop({
      ...{ clock, rng, log, bootID: facts.bootId, nextTurn: edges.nextTurn },
      runtime,
      perform: edges.perform,
      logs,
      allocatable: node.allocatable,
      refusal: (pod) => this.refuse(pod),
      executors: executors({
        ...{ runtime, hooks, rootfs, imageRoots, disk, devices, logs, node, controlPlane },
        services: (namespace) => servicesIn(this.map, namespace),
      }),
      checkpoint: edges.checkpoint,
      controlPlane,
      withdrawal: (uid) => this.endpoints.of(uid),
      cutOverRevision: () => this.cutOverRevision,
      onTurn: (turn) => {
        edges.observe.turn(turn);
        return statuses.take(turn);
      },
      onAction: (action, error) => {
        if (error !== undefined) edges.observe.failed(action.do, error.code);
        else if (action.do === "create" && action.attempt > 0) edges.observe.restarted();
      },
      onForgotten: (uid) => {
        edges.observe.forgotten(uid);
        statuses.forget(uid);
        this.endpoints.forget(uid);
      },
    });
  }

  private watchMap(network: NodeNetwork): Promise<void> {
    const { clock, rng, log } = this.edges;
    const onUpdate = (update: WatchUpdate): void => {
      this.map = nextMap(this.map, update);
      for (const uid of this.endpoints.take(update)) this.loop?.mark(uid);
      network.setMap(this.map);
      this.ingress?.setMap(this.map);
      this.probing?.setMap(this.map);
    };
    const selections = MAP_KINDS.map((kind) => ({ kind, namespace: "", labels: "", fields: "" }));
    return watchObjects({ book: this.book, selections, onUpdate, clock, rng, log }, this.over.signal);
  }
}
