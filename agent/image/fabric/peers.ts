/** A node that content may be fetched from. */
export interface Peer {
  readonly name: string;
  /** Its node port, host:port. */
  readonly address: string;
}

/** Bytes of some content. */
export interface RangeRequest {
  readonly digest: string;
  /** First byte, and the byte after the last; absent: all of it. */
  readonly range: { readonly start: number; readonly end: number } | undefined;
  readonly signal: AbortSignal;
}

/** Edge: other nodes' content. Throws image_pull_failed when the other end breaks off, is somebody else or says no; cancelled. */
export interface Peers {
  /** The bytes as they come; not verified. */
  read(peer: Peer, request: RangeRequest): AsyncIterable<Uint8Array>;
  close(): void;
}
