// Edge: worker processes, and the folders that a dead one left behind.
import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { Cancel, Clock } from "../../lib/clock.js";
import { asTallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { Slots } from "../../lib/slots.js";
import type { UnpackedLayer, UnpackRequest } from "../image/layer/unpack-layer.js";
import type { Unpacker } from "../image/layer/unpacker.js";
import { type Confinement, confinedCommand } from "./confinement.js";
import type { Job } from "./messages.js";
import { WorkerProcess } from "./worker-process.js";

/** How workers are run. */
export interface WorkerPoolOptions {
  /** Command of a program that calls runWorker. */
  readonly command: readonly string[];
  readonly confinement: Confinement;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Workers that are started when there is work and end when there has been none for a while. They are confined; where the
 * kernel does not allow that, once that is logged, they are not: the unpacker's own checks then stand alone.
 */
export class WorkerPool implements Unpacker {
  private readonly options: WorkerPoolOptions;
  private readonly slots = new Slots(limit("unpackWorkers"));
  private readonly workers = new Set<WorkerProcess>();
  private idle: WorkerProcess[] = [];
  private cancelRest: Cancel | undefined;
  private isConfined = true;

  constructor(options: WorkerPoolOptions) {
    this.options = options;
  }

  async unpack(request: UnpackRequest, signal: AbortSignal): Promise<UnpackedLayer> {
    try {
      // The worker gives what Jobs says of unpack.
      return (await this.run({ do: "unpack", with: request }, signal)) as UnpackedLayer;
    } catch (error) {
      await rm(request.targetPath, { recursive: true, force: true });
      throw error;
    }
  }

  async flush(folder: string, signal: AbortSignal): Promise<void> {
    await this.run({ do: "flush", with: { folder } }, signal);
  }

  /** Kills all workers and waits until they are gone. */
  async close(): Promise<void> {
    this.cancelRest?.();
    const all = [...this.workers];
    for (const worker of all) worker.kill();
    await Promise.all(all.map(({ ended }) => ended));
  }

  /** Process ids do not matter to callers, the number does: none when there is no work. */
  get workerCount(): number {
    return this.workers.size;
  }

  private run(job: Job, signal: AbortSignal): Promise<unknown> {
    return this.slots.run(signal, async () => {
      const worker = this.idle.pop() ?? (await this.started());
      try {
        return await worker.run(job, signal);
      } finally {
        if (this.workers.has(worker)) this.rest(worker);
      }
    });
  }

  private async started(): Promise<WorkerProcess> {
    const { command, confinement, log } = this.options;
    if (this.isConfined) {
      mkdirSync(confinement.rootPath, { recursive: true, mode: 0o700 });
      const worker = this.launched(confinedCommand(command, confinement));
      const why = await worker.ready.then(() => undefined, asTallshipError);
      if (why === undefined) return worker;
      this.isConfined = false;
      log.warn("workers cannot be confined on this host", { why: why.message });
    }
    const worker = this.launched(command);
    await worker.ready;
    return worker;
  }

  private launched(command: readonly string[]): WorkerProcess {
    const worker = new WorkerProcess(command);
    this.workers.add(worker);
    void worker.ended.then(() => {
      this.workers.delete(worker);
      this.idle = this.idle.filter((each) => each !== worker);
    });
    return worker;
  }

  private rest(worker: WorkerProcess): void {
    this.idle.push(worker);
    this.cancelRest?.();
    this.cancelRest = this.options.clock.after(limit("workerIdleMs"), () => {
      for (const each of this.idle) each.end();
      this.idle = [];
    });
  }
}
