import type { EndpointAddress } from "../proxy/endpoint-choice.js";
import type { ProxyText } from "./proxy-text.js";
import type { BackendTraffic } from "./traffic.js";

/** A server of a backend has another address, or none any more. */
export interface ServerChange {
  readonly backend: string;
  readonly at: number;
  readonly address: EndpointAddress | undefined;
}

/** The node's proxy: a process that goes on without the agent. Calls must not overlap. */
export interface IngressProxy {
  /** Digest of the text that the running process was started with; undefined when none runs. */
  running(): Promise<string | undefined>;
  /**
   * Starts a process with the text. It takes the ports over from the one that runs, which then ends with its last connection: no client notices. When the
   * text or a port is refused the former one goes on, and failed_precondition says why.
   */
  start(text: ProxyText): Promise<void>;
  /** Why no process would start with the text, whatever ports are free; undefined: one would. The text's folder is another than the running one's, which is not disturbed. */
  objection(text: ProxyText, dir: string): Promise<string | undefined>;
  /** Tells the running process, and former ones that still have connections, new addresses. New requests follow them at once. Throws when the running one lacks a backend, after it was told all others. */
  setServers(changes: readonly ServerChange[]): Promise<void>;
  /** Takes no more connections; ends with the last. Nothing when none runs. */
  stop(): Promise<void>;
  /** What requests came to; nothing when none runs. */
  traffic(): Promise<readonly BackendTraffic[]>;
}
