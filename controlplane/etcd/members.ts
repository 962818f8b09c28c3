import { hasCode } from "../../lib/errors.js";
import type { EtcdConnection } from "../store/etcd-connection.js";

/** A member of the etcd cluster, as etcd lists it. */
export interface Member {
  readonly id: string;
  /** Empty while it has not started yet. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  /** It receives everything but has no vote. */
  readonly isLearner: boolean;
}

/** Members in order of id. */
export async function listMembers(connection: EtcdConnection): Promise<readonly Member[]> {
  const { members } = await connection.call("list members", (client, options) =>
    client.cluster.memberList({}, options),
  );
  return members
    .map(({ ID, name, peerURLs, clientURLs, isLearner }) => {
      return { id: ID, name, peerUrls: peerURLs, clientUrls: clientURLs, isLearner };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Client endpoints of the members, host:port, without loopback. */
export function endpointsOf(members: readonly Member[]): readonly string[] {
  return members
    .filter(({ isLearner }) => !isLearner)
    .flatMap(({ clientUrls }) => clientUrls)
    .map((url) => new URL(url).host)
    .sort();
}

/**
 * Adds a member without a vote, so that one that never comes up costs no quorum. Twice is once. Returns the value of --initial-cluster
 * that it must start with.
 */
export async function addLearner(
  connection: EtcdConnection,
  wanted: { readonly name: string; readonly peerUrl: string },
): Promise<string> {
  const { peerUrl } = wanted;
  const before = await listMembers(connection);
  if (!before.some(({ peerUrls }) => peerUrls.includes(peerUrl)))
    await connection.call(`add member ${wanted.name}`, (client, options) =>
      client.cluster.memberAdd({ peerURLs: [peerUrl], isLearner: true }, options),
    );
  return initialCluster(await listMembers(connection), wanted);
}

/** Every member as name=url, for the one that joins. */
export function initialCluster(
  members: readonly Member[],
  joining: { readonly name: string; readonly peerUrl: string },
): string {
  return members
    .flatMap(({ name, peerUrls }) => {
      const called = peerUrls.includes(joining.peerUrl) ? joining.name : name;
      return peerUrls.map((url) => `${called}=${url}`);
    })
    .sort()
    .join(",");
}

/** Gives a learner its vote; false while it has not caught up. True when it has one already. */
export async function promote(connection: EtcdConnection, id: string): Promise<boolean> {
  const member = (await listMembers(connection)).find((one) => one.id === id);
  if (member !== undefined && !member.isLearner) return true;
  try {
    await connection.call("promote member", (client, options) => client.cluster.memberPromote({ ID: id }, options));
    return true;
  } catch (error) {
    if (hasCode(error, "failed_precondition")) return false;
    throw error;
  }
}

/** Removes a member for good; its data directory is worthless after. Nothing when it is gone. */
export async function removeMember(connection: EtcdConnection, id: string): Promise<void> {
  try {
    await connection.call("remove member", (client, options) => client.cluster.memberRemove({ ID: id }, options));
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
}

/** Changes where the others reach a member. */
export async function updatePeerUrl(connection: EtcdConnection, id: string, url: string): Promise<void> {
  await connection.call("update member", (client, options) =>
    client.cluster.memberUpdate({ ID: id, peerURLs: [url] }, options),
  );
}
