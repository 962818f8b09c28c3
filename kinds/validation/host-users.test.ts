import { expect, test } from "vitest";
import { Pod, type PodSpec } from "../../proto/gen/tallship/v1/pod.js";
import { validate } from "./validate.js";

type PartialSpec = Parameters<typeof PodSpec.fromPartial>[0];

// The host's other namespaces, in Kubernetes' words, and both sides of the last id that such a pod has.
const rows: readonly { readonly name: string; readonly spec: PartialSpec; readonly want: readonly string[] }[] = [
  { name: "alone", spec: {}, want: [] },
  ...(["hostNetwork", "hostPID", "hostIPC"] as const).map((field) => ({
    name: field,
    spec: { [field]: true },
    want: [`spec.${field}: when \`hostUsers\` is false`],
  })),
  { name: "the last id", spec: { securityContext: { runAsUser: 65_535, fsGroup: 65_535 } }, want: [] },
  {
    name: "ids beyond",
    spec: {
      securityContext: { runAsUser: 65_536, supplementalGroups: [1, 70_000] },
      containers: [{ name: "c", image: "i", securityContext: { runAsGroup: 100_000 } }],
    },
    want: [
      "spec.securityContext.runAsUser: want at most 65535 when `hostUsers` is false, found 65536",
      "spec.securityContext.supplementalGroups[1]: want at most 65535 when `hostUsers` is false, found 70000",
      "spec.containers[0].securityContext.runAsGroup: want at most 65535 when `hostUsers` is false, found 100000",
    ],
  },
  { name: "the host's users, and what goes with them", spec: { hostUsers: true, hostNetwork: true }, want: [] },
];

for (const { name, spec, want } of rows) {
  test(`a user namespace beside ${name}`, () => {
    const object = Pod.fromPartial({
      metadata: { name: "p", namespace: "n" },
      spec: { hostUsers: false, containers: [{ name: "c", image: "i" }], ...spec },
    });
    expect(validate({ kind: "Pod", object }).map(({ path, message }) => `${path}: ${message}`)).toEqual(want);
  });
}
