import { AddressBook } from "../../agent/session/address-book.js";
import { LeaderSession } from "../../agent/session/leader-session.js";
import { MAP_KINDS } from "../../agent/session/network-map.js";
import { watchObjects } from "../../agent/session/watch-objects.js";
import { type Log, silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import type { Dialer } from "../../lib/transport/service.js";
import { NodeStatus } from "../../proto/gen/tallship/v1/node.js";
import { SessionHello } from "../../proto/gen/tallship/v1/session.js";

/** How a hollow agent reaches its control plane, and what it tells of itself. */
export interface HollowAgentOptions {
  readonly name: string;
  /** With the credentials of the node. */
  readonly dialer: Dialer;
  readonly address: string;
  /** Whether it watches all nodes and services too, as an agent does for its network. */
  readonly isMapWatched: boolean;
  /** A pod of the node is there, or changed. */
  readonly onPod: (name: string) => void;
  /** The session or the watch has ended before its time, for the reason given. */
  readonly onLost: (why: string) => void;
  readonly signal: AbortSignal;
}

const STATUS = NodeStatus.fromPartial({
  capacity: { cpu: "8", memory: "32Gi", pods: "110" },
  allocatable: { cpu: "8", memory: "32Gi", pods: "110" },
  conditions: [{ type: "Ready", status: "True" }],
});

const ignored = (): undefined => undefined;

/** A node that says it lives, and sees its pods, as the agent does and by its own code, over a connection of its own; and does nothing with them. */
export class HollowAgent {
  /** Times that the session or the watch ended before its time. */
  lost = 0;
  private readonly options: HollowAgentOptions;
  private readonly book: AddressBook;
  private readonly session: LeaderSession;
  private readonly edges: { readonly clock: typeof systemClock; readonly rng: typeof systemRng; readonly log: Log };
  private onWelcome = (): void => undefined;

  constructor(options: HollowAgentOptions) {
    const { name, dialer, address, signal } = options;
    this.options = options;
    this.book = new AddressBook(dialer, [address]);
    this.edges = { clock: systemClock, rng: systemRng, log: this.lossLog() };
    const labels = { "kubernetes.io/hostname": name };
    this.session = new LeaderSession({
      ...this.edges,
      book: this.book,
      hello: () => SessionHello.fromPartial({ bootID: "boot-1", agentVersion: "hollow", status: STATUS, labels }),
      usage: ignored,
      onWelcome: () => this.onWelcome(),
      onControlPlanes: ignored,
      onCutOver: ignored,
      onOpenStream: ignored,
      onConfigsChanged: ignored,
      onPolicies: ignored,
      onUsageWanted: ignored,
    });
    signal.addEventListener("abort", () => this.book.close(), { once: true });
  }

  /** Whether it has a session in which the leader has welcomed it. */
  get isConnected(): boolean {
    return this.session.isConnected;
  }

  /** Connects; resolves when the leader has welcomed it, after which it goes on until the signal aborts. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      this.onWelcome = () => {
        this.onWelcome = ignored;
        void this.watchPods();
        if (this.options.isMapWatched) void this.watchMap();
        resolve();
      };
      void this.session.run(this.options.signal);
    });
  }

  private watchPods(): Promise<void> {
    const { name, onPod, signal } = this.options;
    const selections = [{ kind: "Pod", namespace: "", labels: "", fields: `spec.nodeName=${name}` }];
    return watchObjects(
      {
        ...this.edges,
        book: this.book,
        selections,
        onUpdate: ({ changes }) => {
          for (const { key, typed } of changes) if (typed !== undefined) onPod(key.slice(key.lastIndexOf("/") + 1));
        },
      },
      signal,
    );
  }

  private watchMap(): Promise<void> {
    const selections = MAP_KINDS.map((kind) => ({ kind, namespace: "", labels: "", fields: "" }));
    return watchObjects({ ...this.edges, book: this.book, selections, onUpdate: ignored }, this.options.signal);
  }

  /** What the agent's own code says of sessions and watches that end. */
  private lossLog(): Log {
    return {
      ...silentLog,
      info: (message, { error } = {}) => {
        this.lost += 1;
        this.options.onLost(`${message}: ${error}`);
      },
    };
  }
}
