import {
  NetworkReport,
  type NetworkResponse,
  type NodeNetwork,
  type PeerPath,
} from "../../proto/gen/tallship/v1/nethealth.js";

/** What nodes have measured of their network, each in its present session; in memory only. */
export class NetworkBook {
  private readonly byNode = new Map<
    string,
    { readonly paths: Map<string, PeerPath>; nameServers: NetworkReport["nameServers"] }
  >();

  /** Takes a node's report. */
  take(nodeName: string, report: NetworkReport): void {
    const before = this.byNode.get(nodeName);
    const paths = new Map(report.isWhole ? [] : before?.paths);
    for (const path of report.paths) paths.set(path.peer, path);
    for (const peer of report.gone) paths.delete(peer);
    this.byNode.set(nodeName, { paths, nameServers: report.nameServers });
  }

  /** Everything, in order of nodes and peers. */
  get all(): NetworkResponse {
    return { nodes: [...this.byNode.keys()].sort().map((name) => this.of(name)) };
  }

  /** The node's session has ended. */
  forget(nodeName: string): void {
    this.byNode.delete(nodeName);
  }

  /** Somebody else leads. */
  clear(): void {
    this.byNode.clear();
  }

  private of(name: string): NodeNetwork {
    const known = this.byNode.get(name);
    const paths = [...(known?.paths.values() ?? [])].sort((one, other) => (one.peer < other.peer ? -1 : 1));
    return { name, report: NetworkReport.fromPartial({ isWhole: true, paths, nameServers: known?.nameServers ?? [] }) };
  }
}
