import { type ChildProcess, fork } from "node:child_process";
import { rmSync } from "node:fs";
import { setPriority } from "node:os";
import { bundleProgram } from "../../test/kit/bundle.js";
import { waitFor } from "../../test/kit/wait.js";
import type { CrowdNews, CrowdOrder } from "./crowd-process.js";
import type { OwnControlPlane } from "./own-control-plane.js";

/** Agents have hosts of their own: here they take what the control plane and its etcd leave, as otherwise forty of their processes would leave it a twentieth of a core. */
const CROWD_NICENESS = 10;

/** All hollow agents of a bench, several processes of them. */
export interface HollowCrowd {
  /** When a pod was first seen by its node, by its name, milliseconds of this process's clock. */
  readonly seenAt: ReadonlyMap<string, number>;
  /** Agents that the leader has welcomed and that have a session now. */
  connected(): number;
  /** Times that sessions or watches ended before their time. */
  lost(): number;
  /** Why, and how often. */
  readonly losses: ReadonlyMap<string, number>;
  /** Connects them all, so many of a process at once; resolves when each has been welcomed once. */
  connect(how: Pick<CrowdOrder, "atOnce" | "isMapWatched">): Promise<void>;
  remove(): Promise<void>;
}

interface Part {
  readonly child: ChildProcess;
  connected: number;
  lost: number;
  started: number;
}

/** The name of the node with the number. */
export function nodeName(at: number): string {
  return `node-${String(at).padStart(5, "0")}`;
}

/** How many agents, how many of them in one process, and for how long all of them may take to connect. */
export interface CrowdSize {
  readonly nodeCount: number;
  readonly perProcess: number;
  readonly deadlineMs: number;
}

/** Starts the processes; no agent connects yet. */
export async function startCrowd(
  { address, authority }: OwnControlPlane,
  { nodeCount, perProcess, deadlineMs }: CrowdSize,
): Promise<HollowCrowd> {
  const program = await bundleProgram('import "./bench/scale/crowd-process.js";');
  const seenAt = new Map<string, number>();
  const losses = new Map<string, number>();
  const parts = Array.from({ length: Math.ceil(nodeCount / perProcess) }, (): Part => {
    const child = fork(program.path, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    if (child.pid !== undefined) setPriority(child.pid, CROWD_NICENESS);
    const part: Part = { child, connected: 0, lost: 0, started: 0 };
    child.on("message", (news: CrowdNews) => {
      part.connected = news.connected;
      part.lost = news.lost;
      part.started = news.started;
      for (const [why, count] of news.losses) losses.set(why, (losses.get(why) ?? 0) + count);
      for (const [pod, atMs] of news.seen) if (!seenAt.has(pod)) seenAt.set(pod, atMs - performance.timeOrigin);
    });
    return part;
  });
  const sum = (of: (part: Part) => number): number => parts.reduce((total, part) => total + of(part), 0);
  return {
    seenAt,
    losses,
    connected: () => sum(({ connected }) => connected),
    lost: () => sum(({ lost }) => lost),
    connect: async ({ atOnce, isMapWatched }) => {
      for (const [at, { child }] of parts.entries()) {
        const first = at * perProcess;
        const count = Math.min(perProcess, nodeCount - first);
        const names = Array.from({ length: count }, (_, n) => nodeName(first + n));
        const here = Math.ceil(atOnce / parts.length);
        child.send({ address, authority, names, atOnce: here, isMapWatched } satisfies CrowdOrder);
      }
      await waitFor("all agents to be welcomed", () => sum(({ started }) => started) === nodeCount, { deadlineMs });
    },
    remove: async () => {
      for (const { child } of parts) child.kill("SIGKILL");
      rmSync(program.folder, { recursive: true, force: true });
    },
  };
}
