import { join } from "node:path";

/** The three folders everything of a host stands in; each is an option of the daemons. */
export interface HostFolders {
  /** Certificates, keys and configuration; survives upgrades. /etc/tallship. */
  readonly configDir: string;
  /** Images, containers, etcd, logs; survives reboots. /var/lib/tallship. */
  readonly dataDir: string;
  /** Sockets, pid files, pinned namespaces; gone after a reboot. /run/tallship. */
  readonly runDir: string;
}

/** Where what stands on a host. Keys are files of mode 0600. */
export interface HostPaths extends HostFolders {
  /** ClusterConfig as JSON. */
  readonly cluster: string;
  /** HostConfig as JSON. */
  readonly host: string;
  /** The cluster's authority. */
  readonly ca: string;
  /** Only on control planes. */
  readonly caKey: string;
  /** Only on control planes: the key that secret values are sealed with. */
  readonly sealKey: string;
  /** The node's certificate, renewed by the agent. */
  readonly nodeCertificate: string;
  readonly nodeKey: string;
  /** Context file of the first administrator. */
  readonly adminContext: string;
  /** Directory of the control plane's own etcd member. */
  readonly etcd: string;
  /** Logs of the daemons where no systemd keeps them. */
  readonly log: string;
}

/** Derives every path from the folders. */
export function hostPaths(folders: HostFolders): HostPaths {
  const { configDir, dataDir } = folders;
  return {
    ...folders,
    cluster: join(configDir, "cluster.json"),
    host: join(configDir, "host.json"),
    ca: join(configDir, "ca.crt"),
    caKey: join(configDir, "ca.key"),
    sealKey: join(configDir, "seal.key"),
    nodeCertificate: join(configDir, "node.crt"),
    nodeKey: join(configDir, "node.key"),
    adminContext: join(configDir, "admin.yaml"),
    etcd: join(dataDir, "etcd"),
    log: join(dataDir, "log"),
  };
}
