// Edge: looks whether processes live.
import type { ContainerKey } from "../runtime.js";
import { inspectPod, isMonitorOf, monitorPid, namesIn } from "./inspect.js";
import type { DriverPaths } from "./paths.js";

/** What the rounds take. */
export interface RoundsParts {
  readonly paths: DriverPaths;
  readonly isBeingCreated: (key: ContainerKey) => boolean;
  /** Called with the uid of a pod that has a run without a living monitor. */
  readonly onDead: (podUid: string) => void;
}

/** Pods looked at in one step: half a millisecond; fewer where each is asked for its command line, which takes twenty times as long. */
const PODS_PER_STEP = 25;
const WHOLE_PODS_PER_STEP = 5;
/** A dead monitor's number may be another process's by now: every so many rounds each is asked for its command line too. */
const ROUNDS_UNTIL_WHOLE = 15;

interface Monitor {
  readonly pid: number;
  readonly key: ContainerKey;
}

/**
 * A monitor that was killed leaves no file, so that all are looked at in turn, a few at a time. What was found living is only asked for by its
 * number from then on, and now and then by its command line. This replaced looking at all runs whole, at once: with 500 pods that held the agent up for a tenth of a second, every other second.
 */
export class MonitorRounds {
  private readonly parts: RoundsParts;
  /** The monitors of pods whose runs were all found living. Of pods that are gone nothing is kept beyond the round. */
  private readonly living = new Map<string, readonly Monitor[]>();
  private left: string[] = [];
  private stepCount = 1;
  private roundCount = 0;

  constructor(parts: RoundsParts) {
    this.parts = parts;
  }

  /** Looks at the next few pods; returns how many such steps a whole round has. */
  step(): number {
    if (this.left.length === 0) this.beginRound();
    for (const podUid of this.left.splice(0, this.podsPerStep)) if (!this.isSound(podUid)) this.parts.onDead(podUid);
    return this.stepCount;
  }

  /** The pod gets another run: it is looked at as a whole when its turn comes. */
  forget(podUid: string): void {
    this.living.delete(podUid);
  }

  private beginRound(): void {
    const pods = new Set(namesIn(`${this.parts.paths.runDir}/pods`));
    for (const podUid of this.living.keys()) if (!pods.has(podUid)) this.living.delete(podUid);
    this.left = [...pods];
    this.roundCount += 1;
    this.stepCount = Math.max(1, Math.ceil(this.left.length / this.podsPerStep));
  }

  private get podsPerStep(): number {
    return this.isWholeRound ? WHOLE_PODS_PER_STEP : PODS_PER_STEP;
  }

  private get isWholeRound(): boolean {
    return this.roundCount % ROUNDS_UNTIL_WHOLE === 0;
  }

  private isSound(podUid: string): boolean {
    const isGood = this.isWholeRound ? isMonitorStill : isAlive;
    if (this.living.get(podUid)?.every(isGood) === true) return true;
    this.living.delete(podUid);
    const { paths, isBeingCreated } = this.parts;
    const runs = inspectPod(paths, podUid, isBeingCreated);
    const monitors = runs.flatMap((key) => {
      const pid = key.state.is === "running" ? monitorPid(paths, key) : undefined;
      return pid === undefined ? [] : [{ pid, key }];
    });
    if (monitors.length > 0 && monitors.length === runs.length) this.living.set(podUid, monitors);
    return !runs.some(({ state }) => state.is === "broken" || state.is === "exited");
  }
}

function isMonitorStill({ pid, key }: Monitor): boolean {
  return isMonitorOf(pid, key);
}

function isAlive({ pid }: Monitor): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
