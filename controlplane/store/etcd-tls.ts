/** Certificates for etcd, PEM: its CA, and what this process shows. */
export interface EtcdTls {
  readonly ca: Uint8Array;
  readonly certificate: Uint8Array;
  readonly key: Uint8Array;
  /** Name that etcd's certificates carry, where that is not the endpoint's own. */
  readonly serverName?: string;
}
