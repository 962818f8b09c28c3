// Edge: a process of hollow agents, told by its parent what to do.
import { setMaxListeners } from "node:events";
import { issueKeyPair, type KeyPair } from "../../lib/pki/issue.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { mutableCredentials } from "../../lib/transport/credentials.js";
import { grpcDialer } from "../../lib/transport/grpc-dialer.js";
import { organizationOf } from "../../lib/transport/peer-identity.js";
import type { Dialer } from "../../lib/transport/service.js";
import { ConnectLanes, lanedDialer } from "./connect-lanes.js";
import { HollowAgent } from "./hollow-agent.js";

/** What a process of agents is told: who they are, where the control plane is, and how many may connect at once. */
export interface CrowdOrder {
  readonly address: string;
  readonly authority: KeyPair;
  readonly names: readonly string[];
  readonly atOnce: number;
  readonly isMapWatched: boolean;
}

/** What it tells, five times a second: pods that were seen for the first time, by the wall clock, and how its agents are. */
export interface CrowdNews {
  readonly seen: readonly (readonly [string, number])[];
  readonly connected: number;
  readonly started: number;
  readonly lost: number;
  /** Why, and how often, since the last news. */
  readonly losses: readonly (readonly [string, number])[];
}

const NEWS_MS = 200;
const DAY_MS = 86_400_000;

const stop = new AbortController();
setMaxListeners(0, stop.signal);
const known = new Set<string>();
let seen: [string, number][] = [];
let losses = new Map<string, number>();
let agents: readonly HollowAgent[] = [];
let started = 0;

process.on("message", (order: CrowdOrder) => void begin(order));
process.on("disconnect", () => process.exit(0));
// The parent has gone in the middle of a message.
process.on("error", () => process.exit(0));
setInterval(tell, NEWS_MS);

async function begin({ address, authority, names, atOnce, isMapWatched }: CrowdOrder): Promise<void> {
  const lanes = new ConnectLanes(atOnce);
  agents = names.map((name) => {
    const dialer = lanedDialer(dialerOf(authority, name), lanes);
    return new HollowAgent({ name, dialer, address, isMapWatched, onPod, onLost, signal: stop.signal });
  });
  const start = async (agent: HollowAgent): Promise<void> => {
    await agent.start();
    started += 1;
  };
  await Promise.all(agents.map(start));
}

function onPod(pod: string): void {
  if (known.has(pod)) return;
  known.add(pod);
  seen.push([pod, performance.timeOrigin + performance.now()]);
}

function onLost(why: string): void {
  const kind = why.replace(/\bnode-\d+/g, "node");
  losses.set(kind, (losses.get(kind) ?? 0) + 1);
}

function tell(): void {
  const connected = agents.filter(({ isConnected }) => isConnected).length;
  const lost = agents.reduce((sum, agent) => sum + agent.lost, 0);
  process.send?.({ seen, connected, lost, losses: [...losses], started } satisfies CrowdNews);
  seen = [];
  losses = new Map();
}

function dialerOf(authority: KeyPair, name: string): Dialer {
  const terms = {
    subject: { name, organization: organizationOf("node") },
    addresses: ["127.0.0.1"],
    usages: ["client"] as const,
    nowMs: systemClock.nowMs(),
    lifeMs: DAY_MS,
  };
  const pair = issueKeyPair(authority, terms, systemRng);
  const credentials = mutableCredentials({ caPem: authority.certificatePem, pair });
  return grpcDialer({ credentials, serverRole: "control-plane", clock: systemClock });
}
