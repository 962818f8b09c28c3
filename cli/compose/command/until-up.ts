import { problemText } from "../../../kinds/problem.js";
import { EXIT } from "../../exit-codes.js";
import { watchUntil } from "../../wait/until.js";
import type { ProjectModel } from "../model/project.js";
import { dnsName, PROJECT_LABEL } from "../translate/names.js";
import { type LiveProject, WORKLOADS } from "./live.js";
import { type BroughtUp, type StartFailure, Starting } from "./starting.js";

/** What is waited for, and how it is told. */
export interface UpWait {
  readonly brought: BroughtUp;
  /** Where services stand in the files. */
  readonly model: ProjectModel;
  /** Given up when nothing has moved for so long. */
  readonly quietMs: number;
  readonly isPullTold: boolean;
}

/**
 * Waits until the containers of all services that were written have started, as `docker compose up -d` does, and tells each step on standard error. Returns 0;
 * 1 when one will not start, with the reason and its place in the files; 8 when nothing moves any more.
 */
export async function untilUp(live: LiveProject, { brought, model, quietMs, isPullTold }: UpWait): Promise<number> {
  const { shell, cluster, name, namespace } = live;
  const written = brought.written.filter(({ key }) => WORKLOADS.some((kind) => kind === key.kind));
  if (written.length === 0) return EXIT.ok;
  const starting = new Starting({ ...brought, written });
  const queries = ([...WORKLOADS, "ReplicaSet", "Pod"] as const).map((kind) => ({
    kind,
    namespace,
    labels: `${PROJECT_LABEL}=${name}`,
  }));
  let movedMs = shell.clock.monotonicMs();
  for (;;) {
    const leftMs = movedMs + quietMs - shell.clock.monotonicMs();
    if (leftMs <= 0) break;
    starting.begin();
    const isOver = await watchUntil({ shell, cluster, timeoutMs: leftMs }, queries, async ({ changes, isSynced }) => {
      starting.take(changes);
      if (!isSynced) return false;
      const lines = starting.news().filter((line) => isPullTold || !line.startsWith(" Image "));
      if (lines.length > 0) movedMs = shell.clock.monotonicMs();
      for (const line of lines) await shell.stderr.write(`${line}\n`);
      return starting.isSettled();
    });
    if (isOver) return conclude(live, starting.failures(), model);
  }
  await shell.stderr.write(`error: nothing has moved for ${quietMs / 1_000} s\n`);
  for (const line of starting.waits()) await shell.stderr.write(`  ${line}\n`);
  return EXIT.timedOut;
}

async function conclude(
  { shell }: LiveProject,
  failures: readonly StartFailure[],
  model: ProjectModel,
): Promise<number> {
  for (const failure of failures) await shell.stderr.write(`error: ${failureText(failure, model)}\n`);
  return failures.length === 0 ? EXIT.ok : EXIT.failed;
}

/** The reason at its place: that of the image where it cannot be had, else that of the service. */
function failureText({ service, why, isImage }: StartFailure, { services }: ProjectModel): string {
  const [name, found] = [...(services?.value ?? [])].find(([each]) => dnsName(each) === service) ?? [service];
  if (found === undefined) return `service ${service}: ${why}`;
  const image = isImage ? found.value.image : undefined;
  const path = `services.${name}${image === undefined ? "" : ".image"}`;
  return problemText({ code: "failed_precondition", path, message: why, ...(image ?? found).place });
}
