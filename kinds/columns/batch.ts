import { parseTime } from "../../lib/clock.js";
import type { ControllerRevision } from "../../proto/gen/tallship/v1/controllerrevision.js";
import type { CronJob } from "../../proto/gen/tallship/v1/cronjob.js";
import type { DaemonSet } from "../../proto/gen/tallship/v1/daemonset.js";
import type { Job } from "../../proto/gen/tallship/v1/job.js";
import { ageText, durationText } from "../age.js";
import { jobCompletions, jobWord } from "../job-state.js";
import { controllerOf } from "../owners.js";
import { type Column, NONE, orNone } from "./column.js";
import { selectorColumn, templateColumns } from "./workload.js";

/** On how many nodes a pod is wanted, exists, is ready, of the current template and available. */
export const daemonSetColumns: readonly Column<DaemonSet>[] = [
  { name: "DESIRED", cell: ({ status }) => String(status?.desiredNumberScheduled ?? 0) },
  { name: "CURRENT", cell: ({ status }) => String(status?.currentNumberScheduled ?? 0) },
  { name: "READY", cell: ({ status }) => String(status?.numberReady ?? 0) },
  { name: "UP-TO-DATE", cell: ({ status }) => String(status?.updatedNumberScheduled ?? 0) },
  { name: "AVAILABLE", cell: ({ status }) => String(status?.numberAvailable ?? 0) },
  { name: "NODE SELECTOR", cell: ({ spec }) => nodeSelectorText(spec?.template?.spec?.nodeSelector ?? {}) },
  ...templateColumns,
  selectorColumn,
];

/** How far a job is and how long it ran. */
export const jobColumns: readonly Column<Job>[] = [
  { name: "STATUS", cell: jobWord },
  { name: "COMPLETIONS", cell: jobCompletions },
  { name: "DURATION", cell: duration },
  ...templateColumns,
  selectorColumn,
];

/** When a cron job creates jobs, and how many run. */
export const cronJobColumns: readonly Column<CronJob>[] = [
  { name: "SCHEDULE", cell: ({ spec }) => orNone(spec?.schedule) },
  { name: "TIMEZONE", cell: ({ spec }) => orNone(spec?.timeZone) },
  { name: "SUSPEND", cell: ({ spec }) => (spec?.suspend === true ? "True" : "False") },
  { name: "ACTIVE", cell: ({ status }) => String(status?.active.length ?? 0) },
  {
    name: "LAST SCHEDULE",
    cell: ({ status }, nowMs) => (status?.lastScheduleTime ? ageText(status.lastScheduleTime, nowMs) : NONE),
  },
  ...[...templateColumns, selectorColumn].map(
    ({ name, isWide, cell }): Column<CronJob> => ({
      name,
      isWide: isWide === true,
      cell: ({ spec }, nowMs) => cell({ spec: spec?.jobTemplate?.spec }, nowMs),
    }),
  ),
];

/** Whose template a revision holds, and its number. */
export const controllerRevisionColumns: readonly Column<ControllerRevision>[] = [
  { name: "CONTROLLER", cell: ownerText },
  { name: "REVISION", cell: ({ revision }) => String(revision) },
];

function nodeSelectorText(selector: Readonly<Record<string, string>>): string {
  const parts = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
  return orNone(parts.sort().join(","));
}

function duration({ status }: Job, nowMs: number): string {
  const startMs = parseTime(status?.startTime ?? "");
  if (Number.isNaN(startMs)) return NONE;
  const endMs = parseTime(status?.completionTime ?? "");
  return durationText((Number.isNaN(endMs) ? nowMs : endMs) - startMs);
}

function ownerText(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (owner === undefined) return NONE;
  const [group = ""] = owner.apiVersion.includes("/") ? owner.apiVersion.split("/") : [];
  return `${owner.kind.toLowerCase()}${group === "" ? "" : `.${group}`}/${owner.name}`;
}
