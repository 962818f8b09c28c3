import { expect, test } from "vitest";
import { Pod } from "../proto/gen/tallship/v1/pod.js";
import { nodeNamed, pinnedNode } from "./pinned-node.js";

const need = (key: string, operator: string, values: string[] = []) => ({ key, operator, values });

test("a pod is pinned by the node it names or by an affinity that leaves no choice", () => {
  const pod = (terms: object[], nodeName = "") =>
    Pod.fromPartial({
      spec: {
        nodeName,
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
        },
      },
    });
  expect(pinnedNode(pod(nodeNamed("n7").nodeSelectorTerms.slice()))).toBe("n7");
  expect(pinnedNode(pod([], "n3"))).toBe("n3");
  expect(pinnedNode(pod([{ matchFields: [need("metadata.name", "In", ["a", "b"])] }]))).toBe("");
  expect(pinnedNode(pod([...nodeNamed("a").nodeSelectorTerms, ...nodeNamed("b").nodeSelectorTerms]))).toBe("");
  expect(pinnedNode(Pod.fromPartial({}))).toBe("");
});
