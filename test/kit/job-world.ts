import type { Controller } from "../../controlplane/controllers/controller.js";
import { job } from "../../controlplane/controllers/job/job.js";
import { indexOf } from "../../controlplane/controllers/job/tracking.js";
import { applyDefaults } from "../../kinds/defaults/defaults.js";
import { deletionOf } from "../../kinds/deletion.js";
import { withOwnSelector } from "../../kinds/job-selector.js";
import { metaOf } from "../../kinds/object.js";
import { isPodActive } from "../../kinds/pod-state.js";
import { rfc3339 } from "../../lib/clock.js";
import { Job } from "../../proto/gen/tallship/v1/job.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type ControlWorld, controlWorld } from "./control-world.js";

type Spec = NonNullable<NonNullable<Parameters<typeof Job.fromPartial>[0]>["spec"]>;

/** How a pod ends in a test. */
export interface End {
  readonly phase: "Succeeded" | "Failed";
  readonly exitCode?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

/** A job "work" as admission would store it. */
export function jobOf(spec: Spec = {}): Job {
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "main", image: "work:1" }] } };
  const object = Job.fromPartial({
    metadata: { name: "work", namespace: "default", uid: "job-uid", generation: 1 },
    spec: { template, ...spec },
  });
  return withOwnSelector(applyDefaults<"Job">({ kind: "Job", object }).object);
}

/** A control world in which a job runs, and in which pods run and end as the test says. */
export class JobWorld {
  readonly control: ControlWorld;

  private constructor(control: ControlWorld) {
    this.control = control;
  }

  /** Starts the job controller, and others beside it. */
  static async open(more: readonly Controller[] = []): Promise<JobWorld> {
    const control = await controlWorld();
    control.run([job, ...more]);
    return new JobWorld(control);
  }

  async start(spec: Spec = {}): Promise<void> {
    await this.control.put({ kind: "Job", object: jobOf(spec) });
    await this.control.converge();
  }

  /** The job; undefined once it is gone. */
  job(): Job | undefined {
    return this.control.view.get("Job", "default", "work");
  }

  edit(spec: Partial<NonNullable<Job["spec"]>>): Promise<void> {
    return this.control.edit("Job", "work", (live) => ({ ...live, spec: live.spec && { ...live.spec, ...spec } }));
  }

  pods(): readonly Pod[] {
    return this.control.view.list("Pod").map(({ object }) => object);
  }

  active(): readonly Pod[] {
    return this.pods().filter(isPodActive);
  }

  /** Indexes of the active pods, in order. */
  indexes(): readonly number[] {
    return this.active()
      .map((pod) => indexOf(pod) ?? -1)
      .sort((left, right) => left - right);
  }

  /** Conditions that hold, with their reasons. */
  conditions(): readonly string[] {
    const held = this.job()?.status?.conditions.filter(({ status }) => status === "True") ?? [];
    return held.map(({ type, reason }) => `${type}:${reason}`);
  }

  /** Lets a pod run on a node. */
  run(pod: Pod): Promise<void> {
    return this.change(pod, (live) => ({
      ...live,
      spec: live.spec && { ...live.spec, nodeName: "node-a" },
      status: Pod.fromPartial({ status: { ...live.status, phase: "Running" } }).status,
    }));
  }

  /** Ends a pod's containers. */
  end(pod: Pod, { phase, exitCode = phase === "Succeeded" ? 0 : 1, conditions = [] }: End): Promise<void> {
    const finishedAt = rfc3339(this.control.clock.nowMs());
    const containerStatuses = [{ name: "main", state: { terminated: { exitCode, finishedAt } } }];
    return this.change(pod, (live) => ({
      ...live,
      status: Pod.fromPartial({ status: { phase, conditions: [...conditions], containerStatuses } }).status,
    }));
  }

  /** Ends the first active pod of that index, or of all, and lets happen what follows. */
  async endNext(end: End, index?: number): Promise<void> {
    const pod = this.active().find((each) => index === undefined || indexOf(each) === index);
    if (pod === undefined) throw new Error(`no active pod of index ${index}`);
    await this.end(pod, end);
    await this.control.converge();
  }

  /** A user deletes a pod. */
  async remove(pod: Pod, graceSeconds?: number): Promise<void> {
    const { name } = metaOf(pod);
    const deletion = deletionOf({ kind: "Pod", object: pod }, { nowMs: this.control.clock.nowMs(), graceSeconds });
    if (deletion.is === "mark") await this.control.put(deletion.typed);
    if (deletion.is === "remove") await this.control.drop({ kind: "Pod", namespace: "default", name });
  }

  private async change(pod: Pod, change: (pod: Pod) => Pod): Promise<void> {
    await this.control.edit("Pod", metaOf(pod).name, change);
  }
}
