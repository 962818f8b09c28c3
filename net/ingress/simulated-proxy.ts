import { TallshipError } from "../../lib/errors.js";
import type { EndpointAddress } from "../proxy/endpoint-choice.js";
import type { IngressProxy, ServerChange } from "./ingress-proxy.js";
import type { ProxyText } from "./proxy-text.js";
import type { BackendTraffic } from "./traffic.js";

/** A proxy that only remembers what it was told. */
export class SimulatedProxy implements IngressProxy {
  text: ProxyText | undefined;
  starts = 0;
  /** Addresses by backend/place, as told since the start. */
  readonly told = new Map<string, EndpointAddress | undefined>();
  /** Refuses the next starts with this. */
  refusal = "";
  /** Refuses every text that has this in it. */
  unwanted: string | undefined;
  /** Texts that were tried. */
  trials = 0;

  async running(): Promise<string | undefined> {
    return this.text?.digest;
  }

  async start(text: ProxyText): Promise<void> {
    const objection = this.refusal || this.objectionTo(text);
    if (objection !== undefined) throw new TallshipError("failed_precondition", objection);
    this.text = text;
    this.starts += 1;
    this.told.clear();
  }

  async objection(text: ProxyText): Promise<string | undefined> {
    this.trials += 1;
    return this.objectionTo(text);
  }

  private objectionTo({ config }: ProxyText): string | undefined {
    const { unwanted } = this;
    return unwanted !== undefined && config.includes(unwanted) ? `it has ${unwanted}` : undefined;
  }

  async setServers(changes: readonly ServerChange[]): Promise<void> {
    if (this.text === undefined) throw new TallshipError("kernel_failed", "no proxy runs");
    const { config } = this.text;
    const known = changes.filter(({ backend }) => config.includes(`backend ${backend}\n`));
    for (const { backend, at, address } of known) this.told.set(`${backend}/${at}`, address);
    if (known.length < changes.length) throw new TallshipError("kernel_failed", "haproxy: No such backend.");
  }

  async stop(): Promise<void> {
    this.text = undefined;
    this.told.clear();
  }

  async traffic(): Promise<readonly BackendTraffic[]> {
    return [];
  }
}
