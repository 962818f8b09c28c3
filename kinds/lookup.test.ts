import { expect, test } from "vitest";
import { kindOfWord } from "./lookup.js";

// As kubectl's users name types; what is of another group or version is none.
const rows = [
  ["deploy", "Deployment"],
  ["Deployments", "Deployment"],
  ["deploy.apps", "Deployment"],
  ["deployments.v1.apps", "Deployment"],
  ["deployment.v1.batch", undefined],
  ["deployments.v2.apps", undefined],
  ["pods.v1.", "Pod"],
  ["pods.", undefined],
  ["queue.tallship.dev", "Queue"],
  ["ingresses.v1.networking.k8s.io", "Ingress"],
  ["endpointslices.discovery.k8s.io", "EndpointSlice"],
] as const;
test.each(rows)("%s is %s", (word, want) => expect(kindOfWord(word)).toBe(want));
