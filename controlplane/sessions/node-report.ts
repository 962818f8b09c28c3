import { rfc3339 } from "../../lib/clock.js";
import { Condition } from "../../proto/gen/tallship/v1/meta.js";
import { NodeStatus } from "../../proto/gen/tallship/v1/node.js";
import type { Heartbeat, NodeConditionReport, SessionHello } from "../../proto/gen/tallship/v1/session.js";
import type { NodeReport } from "./node-reports.js";

/** When something arrived, by both clocks. */
export interface Arrival {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

/** What is known of a node that has just said hello, and is told to beat so often. Its endpoint revision counts anew: the kernel may have been rebooted. */
export function reportOfHello(nodeName: string, hello: SessionHello, at: Arrival, everyMs: number): NodeReport {
  return {
    nodeName,
    isConnected: true,
    heardAtMs: at.monotonicMs,
    everyMs,
    bootID: hello.bootID,
    status: hello.status ?? NodeStatus.fromPartial({}),
    labels: hello.labels,
    endpointRevisionApplied: 0,
  };
}

/** The report after a heartbeat. The endpoint revision never goes back within a session. */
export function afterHeartbeat(report: NodeReport, heartbeat: Heartbeat, at: Arrival): NodeReport {
  const { conditions, endpointRevisionApplied } = heartbeat;
  const applied = Math.max(report.endpointRevisionApplied, endpointRevisionApplied);
  const heard = {
    ...report,
    heardAtMs: at.monotonicMs,
    everyMs: heartbeat.everyMs,
    endpointRevisionApplied: applied,
  };
  if (conditions.length === 0) return heard;
  return {
    ...heard,
    status: { ...report.status, conditions: withConditions(report.status.conditions, conditions, at) },
  };
}

function withConditions(
  known: readonly Condition[],
  reported: readonly NodeConditionReport[],
  { nowMs }: Arrival,
): readonly Condition[] {
  const now = rfc3339(nowMs);
  const changed = new Map(reported.map((report) => [report.type, report]));
  const kept = known.filter(({ type }) => !changed.has(type));
  const next = [...changed.values()].map((report) => {
    const before = known.find(({ type }) => type === report.type);
    const lastTransitionTime = before?.status === report.status ? before.lastTransitionTime : now;
    return Condition.fromPartial({ ...report, lastTransitionTime, lastHeartbeatTime: now });
  });
  return [...kept, ...next].sort((a, b) => (a.type < b.type ? -1 : 1));
}
