import fc from "fast-check";
import { expect, test } from "vitest";
import { type Labels, matchesSelector } from "../../../kinds/label-selector.js";
import { metaOf, type Typed } from "../../../kinds/object.js";
import { parseGeneralYaml } from "../../../kinds/yaml/general-reader.js";
import { composeProject } from "../compose.js";

const NETWORKS = ["default", "front", "back", "quiet"] as const;
const INTERNAL = "quiet";

/** The objects of a project whose services are on these networks. */
function objectsOf(services: readonly (readonly string[])[]): readonly Typed[] {
  const text = `
networks: {front: {}, back: {name: shared}, quiet: {internal: true}}
services:
${services.map((networks, at) => `  s${at}: {image: "x:1", networks: [${networks.join(", ")}]}`).join("\n")}
`;
  const project = composeProject({
    ...{ parsed: [parseGeneralYaml({ name: "compose.yaml", text })], folder: ".", absoluteFolder: "/shop" },
    ...{ environment: new Map(), envFiles: [], projectName: undefined, profiles: [], named: [], namespace: undefined },
    known: new Map([[".env", { is: "nothing" }]]),
  });
  expect(project.problems).toEqual([]);
  return project.objects.map(({ typed }) => typed);
}

type Direction = "Ingress" | "Egress";

/** What the policies say of one direction, read as naively as Kubernetes' documentation puts it. */
function isAllowed(objects: readonly Typed[], direction: Direction, pod: Labels, peer: Labels): boolean {
  const policies = objects
    .flatMap((typed) => (typed.kind === "NetworkPolicy" ? [typed.object.spec] : []))
    .filter((spec) => spec?.policyTypes.includes(direction) && matchesSelector(spec.podSelector, pod));
  if (policies.length === 0) return true;
  return policies.some((spec) => {
    const peers =
      direction === "Ingress" ? spec?.ingress.flatMap(({ from }) => from) : spec?.egress.flatMap(({ to }) => to);
    return peers?.some(({ podSelector }) => matchesSelector(podSelector, peer)) === true;
  });
}

test("a service reaches another one when they share a network, and what is outside unless all its networks are internal", () => {
  const lists = fc.array(fc.uniqueArray(fc.constantFrom(...NETWORKS), { minLength: 1 }), {
    minLength: 2,
    maxLength: 5,
  });
  fc.assert(
    fc.property(lists, (services) => {
      const objects = objectsOf(services);
      const labels = services.map((_, at): Labels => {
        const found = objects.find((typed) => typed.kind === "Deployment" && metaOf(typed.object).name === `s${at}`);
        return found?.kind === "Deployment" ? (found.object.spec?.template?.metadata?.labels ?? {}) : {};
      });
      const outside = { app: "elsewhere" };
      for (const [at, own] of services.entries()) {
        const pod = labels[at] ?? {};
        expect(isAllowed(objects, "Egress", pod, outside)).toBe(own.some((name) => name !== INTERNAL));
        expect(isAllowed(objects, "Ingress", pod, outside)).toBe(false);
        for (const [to, others] of services.entries()) {
          const peer = labels[to] ?? {};
          const reaches = isAllowed(objects, "Egress", pod, peer) && isAllowed(objects, "Ingress", peer, pod);
          expect(reaches).toBe(own.some((name) => others.includes(name)));
        }
      }
    }),
  );
});
