import { assert, hasCode, TallshipError } from "../../lib/errors.js";
import { hostPort } from "../../lib/host-port.js";
import { limit } from "../../lib/limits.js";
import type { KeyPair } from "../../lib/pki/issue.js";
import { type EtcdAddress, EtcdConnection } from "../store/etcd-connection.js";
import {
  clientCredentials,
  createEtcdAuthority,
  etcdServerName,
  isRenewalDue,
  issueMemberPair,
} from "./credentials.js";
import { readEtcdVersion } from "./etcd-process.js";
import { EtcdSupervisor, type SupervisorDeps } from "./etcd-supervisor.js";
import {
  type MemberPaths,
  type MemberRecord,
  memberPaths,
  readAuthority,
  readMemberCertificate,
  readRecord,
  writeAuthority,
  writeMemberPair,
  writeRecord,
} from "./member-files.js";
import { type EtcdVersion, etcdArguments, peerUrl } from "./member-plan.js";
import { addLearner, endpointsOf, listMembers, promote, updatePeerUrl } from "./members.js";

/** How a member of the embedded etcd is run. */
export interface EmbeddedEtcdOptions {
  /** Holds its data, log, certificates and record; made by createMember or joinMember. */
  readonly directory: string;
  /** The program, "etcd" to look it up in PATH. */
  readonly binary: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

/** What a control plane that joins must be given: ControlPlaneSecrets' etcd part. */
export interface Admission {
  readonly authority: KeyPair;
  readonly initialCluster: string;
  /** Client endpoints of the members that there are, host:port. */
  readonly endpoints: readonly string[];
}

/** Prepares the directory of the first member, with a CA of its own. Twice is once. */
export async function createMember(directory: string, name: string, deps: SupervisorDeps): Promise<void> {
  const paths = memberPaths(directory);
  if ((await readAuthority(paths)) === undefined)
    await writeAuthority(paths, createEtcdAuthority(deps.clock, deps.rng));
  if ((await readRecord(paths)) === undefined) await writeRecord(paths, { name, otherEndpoints: [] });
}

/** Prepares the directory of a member that joins. */
export async function joinMember(
  directory: string,
  member: { readonly name: string; readonly address: string; readonly admission: Admission },
): Promise<void> {
  const { name, address, admission } = member;
  const paths = memberPaths(directory);
  await writeAuthority(paths, admission.authority);
  const { initialCluster, endpoints } = admission;
  await writeRecord(paths, { name, address, initialCluster, otherEndpoints: endpoints });
}

/** Reads a member's directory and renews its certificate; nothing runs yet. */
export async function openEmbeddedEtcd(options: EmbeddedEtcdOptions, deps: SupervisorDeps): Promise<EmbeddedEtcd> {
  const paths = memberPaths(options.directory);
  const [authority, record, version] = await Promise.all([
    readAuthority(paths),
    readRecord(paths),
    readEtcdVersion(options.binary),
  ]);
  if (authority === undefined || record === undefined)
    throw new TallshipError("failed_precondition", `open etcd member: ${options.directory} was not initialised`);
  const member = new EmbeddedEtcd({ ...options, paths, authority, record, version }, deps);
  await member.renewCertificate();
  return member;
}

/**
 * The control plane's own member of the etcd cluster. It outlives the control plane, which adopts it when it starts again. Without other
 * members it listens on loopback only; admitting the first one makes it reachable, by a restart of etcd.
 */
export class EmbeddedEtcd {
  /** For the store: this member first, the others while it is away. */
  readonly address: EtcdAddress;
  private readonly options: EmbeddedEtcdOptions;
  private readonly paths: MemberPaths;
  private readonly authority: KeyPair;
  private readonly version: EtcdVersion;
  private readonly deps: SupervisorDeps;
  private readonly supervisor: EtcdSupervisor;
  private readonly own: EtcdConnection;
  private readonly others: EtcdConnection;
  private record: MemberRecord;

  constructor(
    options: EmbeddedEtcdOptions & {
      readonly paths: MemberPaths;
      readonly authority: KeyPair;
      readonly record: MemberRecord;
      readonly version: EtcdVersion;
    },
    deps: SupervisorDeps,
  ) {
    const { paths, authority, record, version } = options;
    this.options = options;
    this.paths = paths;
    this.authority = authority;
    this.record = record;
    this.version = version;
    this.deps = deps;
    const tls = clientCredentials(authority, record.name, deps);
    const ownEndpoint = `127.0.0.1:${options.clientPort}`;
    this.address = { tls, endpoints: () => [ownEndpoint, ...this.record.otherEndpoints] };
    this.own = new EtcdConnection({ tls, endpoints: () => [ownEndpoint] }, deps.clock, deps.log);
    this.others = new EtcdConnection({ tls, endpoints: () => this.record.otherEndpoints }, deps.clock, deps.log);
    const supervised = { binary: options.binary, dataDir: paths.data, logFile: paths.log, pidFile: paths.pid };
    this.supervisor = new EtcdSupervisor(supervised, this.args(), deps);
  }

  /** The process; undefined while none runs. */
  get pid(): number | undefined {
    return this.supervisor.pid;
  }

  /** Runs etcd until the signal aborts, then leaves it running. Rejects when something else holds its data directory. */
  async run(signal: AbortSignal): Promise<void> {
    const ending = new AbortController();
    const until = AbortSignal.any([signal, ending.signal]);
    const upkeep = this.keepUp(until);
    try {
      await this.supervisor.run(signal);
    } finally {
      ending.abort();
      await upkeep;
      this.own.close();
      this.others.close();
    }
  }

  /** Resolves when this member answers, knows a leader and has a vote. A member that joined asks the others for it. */
  async ready(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (signal.aborted) throw new TallshipError("cancelled", "wait for etcd was cancelled");
      try {
        // Awaited here: right after its promotion etcd still answers as a learner for a moment.
        if (await this.isReady()) return await this.refreshEndpoints();
      } catch (error) {
        if (this.own.closed.aborted) throw error;
        this.deps.log.debug("etcd is not ready yet", { error });
      }
      await this.deps.clock.sleep(limit("etcdReadyPollMs"), signal);
    }
  }

  /**
   * Lets another control plane's member in, as a learner that gets its vote once it has caught up. `ownAddress` is where this host is
   * reached: a member that was alone listens there from now on. Twice is once.
   */
  async admit(
    joining: { readonly name: string; readonly address: string; readonly peerPort: number },
    ownAddress: string,
  ): Promise<Admission> {
    await this.becomeReachable(ownAddress);
    const initialCluster = await this.addLearner({ name: joining.name, peerUrl: peerUrl(joining) });
    const endpoints = endpointsOf(await listMembers(this.own));
    return { authority: this.authority, initialCluster, endpoints };
  }

  /** etcd takes a member in only once all others have been connected for 5 s, and one learner at a time: it is asked until it does. */
  private async addLearner(wanted: { readonly name: string; readonly peerUrl: string }): Promise<string> {
    const { clock, log } = this.deps;
    const untilMs = clock.monotonicMs() + limit("etcdAdmitMs");
    for (;;) {
      try {
        return await addLearner(this.own, wanted);
      } catch (error) {
        const isPassing = hasCode(error, "store_unavailable") || hasCode(error, "failed_precondition");
        if (!isPassing || clock.monotonicMs() > untilMs) throw error;
        log.info("etcd does not take the member in yet; trying again", { name: wanted.name, error });
      }
      await clock.sleep(limit("etcdPollMs"), this.own.closed);
    }
  }

  /** Stops etcd itself; for leaving the cluster and for upgrades. Call it after `run` has ended. */
  stop(): Promise<void> {
    return this.supervisor.stop();
  }

  /** Makes the member's certificate anew when it is due; etcd takes it up by itself. */
  async renewCertificate(): Promise<void> {
    const { clock, rng, log } = this.deps;
    const hosts = this.record.address === undefined ? ["127.0.0.1"] : ["127.0.0.1", this.record.address];
    const addresses = [...hosts, etcdServerName];
    const held = await readMemberCertificate(this.paths);
    const want = { authorityPem: this.authority.certificatePem, addresses, nowMs: clock.nowMs() };
    if (held !== undefined && !isRenewalDue(held, want)) return;
    const pair = issueMemberPair(this.authority, { name: this.record.name, addresses, nowMs: want.nowMs }, rng);
    await writeMemberPair(this.paths, pair);
    log.info("etcd member certificate made", { name: this.record.name, addresses });
  }

  private args(): readonly string[] {
    const { clientPort, peerPort } = this.options;
    const { name, address, initialCluster } = this.record;
    const tls = { ca: this.paths.authority, pair: this.paths.pair };
    const plan = { name, address, initialCluster, clientPort, peerPort, dataDir: this.paths.data, tls };
    return etcdArguments(plan, this.version, limit("etcdQuotaBytes"));
  }

  private async isReady(): Promise<boolean> {
    // What answers may be an etcd that the supervisor has not adopted yet or is about to replace.
    if (!this.supervisor.isAsWanted) return false;
    const status = await this.own.call("status of etcd", (client, options) => client.maintenance.status(options));
    if (status.leader === "0") return false;
    return !status.isLearner || promote(this.others, status.header.member_id);
  }

  private async becomeReachable(address: string): Promise<void> {
    if (this.record.address !== undefined) return;
    const self = (await listMembers(this.own)).find(({ name }) => name === this.record.name);
    assert(self !== undefined, `etcd lists its member ${this.record.name}`);
    await updatePeerUrl(this.own, self.id, peerUrl({ address, peerPort: this.options.peerPort }));
    await this.remember({ ...this.record, address });
    await this.renewCertificate();
    this.supervisor.want(this.args());
    this.deps.log.info("etcd becomes reachable for other members", { address });
    const late = new AbortController();
    const cancel = this.deps.clock.after(limit("etcdStopMs") + limit("storeDeadlineMs"), () => late.abort());
    await this.ready(late.signal).finally(cancel);
  }

  private async keepUp(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.deps.clock.sleep(limit("etcdUpkeepMs"), signal);
        await this.renewCertificate();
        await this.refreshEndpoints();
      } catch (error) {
        if (!hasCode(error, "cancelled")) this.deps.log.warn("etcd upkeep failed; trying again", { error });
      }
    }
  }

  private async refreshEndpoints(): Promise<void> {
    const ownEndpoint = hostPort(this.record.address ?? "127.0.0.1", this.options.clientPort);
    const listed = endpointsOf(await listMembers(this.own));
    const otherEndpoints = listed.filter((endpoint) => endpoint !== ownEndpoint);
    if (otherEndpoints.join() !== this.record.otherEndpoints.join())
      await this.remember({ ...this.record, otherEndpoints });
  }

  private async remember(record: MemberRecord): Promise<void> {
    await writeRecord(this.paths, record);
    this.record = record;
  }
}
