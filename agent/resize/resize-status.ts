import { RESIZE_IN_PROGRESS, RESIZE_PENDING, type ResizableAmounts } from "../../kinds/resize.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { ContainerStatus } from "../../proto/gen/tallship/v1/pod.js";
import { containerRecord, type PodRecord } from "../pod-record.js";
import { grantedOf } from "./note-resize.js";

/** A condition that holds; absent else, as in Kubernetes. */
interface Holding {
  readonly type: string;
  readonly status: "True";
  readonly reason: string;
  readonly message: string;
}

/** What is to be told of a resize that is not done. */
export function resizeConditions({ resize, containers }: PodRecord): readonly Holding[] {
  const open = Object.values(containers).filter(({ allocated }) => allocated !== undefined);
  const failure = open.find(({ resizeFailure }) => resizeFailure !== undefined)?.resizeFailure;
  return [
    ...(resize === undefined ? [] : [{ type: RESIZE_PENDING, status: "True" as const, ...resize }]),
    ...(open.length === 0
      ? []
      : [
          {
            type: RESIZE_IN_PROGRESS,
            status: "True" as const,
            reason: failure === undefined ? "" : "Error",
            message: failure?.message ?? "",
          },
        ]),
  ];
}

/** The word of the older field status.resize. */
export function resizeWord(record: PodRecord): string {
  if (record.resize !== undefined) return record.resize.reason;
  return Object.values(record.containers).some(({ allocated }) => allocated !== undefined) ? "InProgress" : "";
}

/** Amounts that the node keeps for a container, and those in force; nothing for one that asks for none. */
export function containerAmounts(
  record: PodRecord,
  container: Container,
): Pick<ContainerStatus, "allocatedResources" | "resources"> {
  const { inForce } = containerRecord(record, container.name);
  if (inForce === undefined || isEmpty(inForce)) return { allocatedResources: {}, resources: undefined };
  return { allocatedResources: grantedOf(record, container).requests, resources: { ...inForce, claims: [] } };
}

function isEmpty({ limits, requests }: ResizableAmounts): boolean {
  return Object.keys(limits).length + Object.keys(requests).length === 0;
}
