import { asTallshipError } from "../../lib/errors.js";
import type { HostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { hostPort } from "../../lib/host-port.js";
import { limit } from "../../lib/limits.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { clientCredentials } from "../etcd/credentials.js";
import { findHolder, signalProcess } from "../etcd/etcd-process.js";
import { memberPaths, readAuthority, readRecord } from "../etcd/member-files.js";
import { listMembers, removeMember } from "../etcd/members.js";
import { EtcdConnection } from "../store/etcd-connection.js";

/**
 * Takes this host's etcd member out of the cluster, so that the others need no majority with it, and stops its etcd. Returns what could not be done, in words.
 * The last member just stops: with it the cluster ends. Twice is once.
 */
export async function leaveEtcd(host: HostConfig, paths: HostPaths): Promise<string | undefined> {
  const member = memberPaths(paths.etcd);
  const problem = await removeOwnMember(host, paths).then(
    () => undefined,
    (error: unknown) => `the etcd member ${host.name} was not removed: ${asTallshipError(error).message}`,
  );
  const holder = await findHolder(member.data, member.pid);
  if (holder !== undefined) await stop(holder.pid, () => findHolder(member.data, member.pid));
  return problem;
}

async function removeOwnMember(host: HostConfig, paths: HostPaths): Promise<void> {
  const member = memberPaths(paths.etcd);
  const [authority, record] = await Promise.all([readAuthority(member), readRecord(member)]);
  if (authority === undefined || record === undefined || record.otherEndpoints.length === 0) return;
  const tls = clientCredentials(authority, record.name, { clock: systemClock, rng: systemRng });
  const endpoints = [...record.otherEndpoints, hostPort("127.0.0.1", host.ports.etcdClient)];
  const connection = new EtcdConnection({ tls, endpoints: () => endpoints }, systemClock, silentLog);
  try {
    const own = (await listMembers(connection)).find(({ name }) => name === record.name);
    if (own !== undefined) await removeMember(connection, own.id);
  } finally {
    connection.close();
  }
}

async function stop(pid: number, look: () => Promise<unknown>): Promise<void> {
  signalProcess(pid, "SIGTERM");
  const untilMs = systemClock.monotonicMs() + limit("daemonStopMs");
  while ((await look()) !== undefined) {
    if (systemClock.monotonicMs() > untilMs) signalProcess(pid, "SIGKILL");
    await systemClock.sleep(50, new AbortController().signal);
  }
}
