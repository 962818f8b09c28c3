import { deepEqual } from "../../lib/deep-equal.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { PodSpec } from "../../proto/gen/tallship/v1/pod.js";
import { isSidecar } from "../pod-containers.js";
import { qosClassOf } from "../qos-class.js";
import { RESIZABLE, resizableOf, withAmounts } from "../resize.js";
import type { Findings, Path } from "./findings.js";

const LISTS = ["containers", "initContainers"] as const;

/** What a resize may do: amounts of cpu and memory of containers that run beside each other change, none is taken away, and the pod's class stays. */
export function checkResize(spec: PodSpec, before: PodSpec, findings: Findings): void {
  let isResize = false;
  for (const list of LISTS)
    for (const [index, container] of spec[list].entries()) {
      const old = before[list].find(({ name }) => name === container.name);
      if (old === undefined || deepEqual(resizableOf(container.resources), resizableOf(old.resources))) continue;
      isResize = true;
      checkContainer(
        container,
        old,
        { path: ["spec", list, index, "resources"], isOneOff: isOneOff(list, container) },
        findings,
      );
    }
  if (isResize && qosClassOf(spec) !== qosClassOf(before))
    findings.add(
      "forbidden",
      ["spec"],
      `Pod QOS Class may not change as a result of resizing: it is ${qosClassOf(before)}, and would be ${qosClassOf(spec)}`,
    );
}

/** A container that is restarted for a resize must be one that is restarted at all. */
export function checkResizePolicies(spec: PodSpec, path: Path, findings: Findings): void {
  if (spec.restartPolicy !== "Never") return;
  for (const [index, { resizePolicy, restartPolicy }] of spec.containers.entries())
    for (const [at, policy] of resizePolicy.entries())
      if (policy.restartPolicy === "RestartContainer" && restartPolicy === "")
        findings.add(
          "invalid",
          [...path, "containers", index, "resizePolicy", at, "restartPolicy"],
          "may not be RestartContainer when the pod's restartPolicy is Never",
        );
}

function isOneOff(list: (typeof LISTS)[number], container: Container): boolean {
  return list === "initContainers" && !isSidecar(container);
}

function checkContainer(
  container: Container,
  before: Container,
  { path, isOneOff: isInit }: { readonly path: Path; readonly isOneOff: boolean },
  findings: Findings,
): void {
  if (isInit) findings.add("forbidden", path, "resources of init containers that end cannot be resized");
  const [now, old] = [resizableOf(container.resources), resizableOf(before.resources)];
  for (const part of ["limits", "requests"] as const)
    for (const name of RESIZABLE)
      if (old[part][name] !== undefined && now[part][name] === undefined)
        findings.add("forbidden", [...path, part, name], `resource ${part} cannot be removed`);
}

/** The container with the amounts that it had, so that what else has changed shows. */
export function unresized(container: Container, before: Container | undefined): Container {
  if (before === undefined || deepEqual(resizableOf(container.resources), resizableOf(before.resources)))
    return container;
  const restored = withAmounts(container.resources, resizableOf(before.resources));
  return { ...container, resources: before.resources === undefined && isEmpty(restored) ? undefined : restored };
}

function isEmpty({ limits, requests, claims }: NonNullable<Container["resources"]>): boolean {
  return Object.keys(limits).length + Object.keys(requests).length + claims.length === 0;
}
