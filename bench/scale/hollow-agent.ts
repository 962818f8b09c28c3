import { HeartbeatTimer } from "../../agent/session/heartbeat-timer.js";
import { asTallshipError } from "../../lib/errors.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { Pipe } from "../../lib/transport/pipe.js";
import type { Channel, Dialer } from "../../lib/transport/service.js";
import { ObjectsDefinition, Selection, WatchEvent_Type, WatchRequest } from "../../proto/gen/tallship/v1/api.js";
import { NodeStatus } from "../../proto/gen/tallship/v1/node.js";
import { NodeMessage, NodesDefinition } from "../../proto/gen/tallship/v1/session.js";

/** How a hollow agent reaches its control plane, and what it tells of itself. */
export interface HollowAgentOptions {
  readonly name: string;
  /** With the credentials of the node. */
  readonly dialer: Dialer;
  readonly address: string;
  /** A pod of the node is there, or changed. */
  readonly onPod: (name: string) => void;
  /** The session or a watch has ended before its time, for the reason given. */
  readonly onLost: (why: string) => void;
  readonly signal: AbortSignal;
}

const STATUS = NodeStatus.fromPartial({
  capacity: { cpu: "8", memory: "32Gi", pods: "110" },
  allocatable: { cpu: "8", memory: "32Gi", pods: "110" },
  conditions: [{ type: "Ready", status: "True" }],
});

/** Waits between two attempts: at first, and at most. All agents are one process, which can shake hands with only so many at once. */
const AGAIN_MS = 1_000;
const MOST_MS = 30_000;

/** A node that says it lives, and sees its pods, over a connection of its own; and does nothing with them. */
export class HollowAgent {
  /** Times that the session or the watch ended before its time. */
  lost = 0;
  /** Whether it has a session in which the leader has welcomed it. */
  isConnected = false;
  private readonly options: HollowAgentOptions;
  private readonly channel: Channel;

  constructor(options: HollowAgentOptions) {
    this.options = options;
    this.channel = options.dialer.dial(options.address);
    options.signal.addEventListener("abort", () => this.channel.close(), { once: true });
  }

  /** Connects; resolves when the leader has welcomed it, after which it goes on until the signal aborts. */
  start(): Promise<void> {
    return new Promise((resolve) => {
      let isWelcome = false;
      const onWelcome = (): void => {
        if (!isWelcome) void this.keep(() => this.watch());
        isWelcome = true;
        resolve();
      };
      void this.keep(() => this.session(onWelcome));
    });
  }

  private async keep(live: () => Promise<void>): Promise<void> {
    const { signal, onLost } = this.options;
    let waitMs = AGAIN_MS;
    while (!signal.aborted) {
      const beganAt = performance.now();
      const why = await live().then(
        () => "ended by the control plane",
        (error: unknown) => asTallshipError(error).message,
      );
      if (signal.aborted) return;
      this.lost += 1;
      onLost(why);
      waitMs = performance.now() - beganAt > MOST_MS ? AGAIN_MS : Math.min(MOST_MS, 2 * waitMs);
      await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + systemRng.float() / 2)));
    }
  }

  private async session(onWelcome: () => void): Promise<void> {
    const { signal, name } = this.options;
    const outgoing = new Pipe<NodeMessage>(100);
    let heartbeats: HeartbeatTimer | undefined;
    let sequence = 0;
    const say = (part: Parameters<typeof NodeMessage.fromPartial>[0]["part"]): void => {
      outgoing.push(NodeMessage.fromPartial({ part }));
    };
    const beat = (): void => {
      sequence += 1;
      say({ $case: "heartbeat", value: { sequence, everyMs: heartbeats?.everyMs ?? 0 } });
    };
    const labels = { "kubernetes.io/hostname": name };
    say({ $case: "hello", value: { bootID: "boot-1", agentVersion: "hollow", status: STATUS, labels } });
    try {
      for await (const { part } of this.channel.client(NodesDefinition).session(outgoing, { signal })) {
        if (part?.$case === "heartbeats") heartbeats?.setInterval(part.value.everyMs);
        if (part?.$case !== "welcome") continue;
        this.isConnected = true;
        onWelcome();
        heartbeats = new HeartbeatTimer({ clock: systemClock, rng: systemRng, beat }, part.value.heartbeatMs);
        heartbeats.start();
      }
    } finally {
      this.isConnected = false;
      heartbeats?.stop();
      outgoing.end();
    }
  }

  private async watch(): Promise<void> {
    const { signal, onPod } = this.options;
    const request = WatchRequest.fromPartial({ selections: [Selection.fromPartial({ kind: "Pod" })] });
    for await (const { events } of this.channel.client(ObjectsDefinition).watch(request, { signal }))
      for (const { type, name } of events) if (type === WatchEvent_Type.PUT && name !== undefined) onPod(name.name);
  }
}
