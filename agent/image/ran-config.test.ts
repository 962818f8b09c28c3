import { expect, test } from "vitest";
import { Container } from "../../proto/gen/tallship/v1/container.js";
import { ranConfig } from "./ran-config.js";

const image = {
  Entrypoint: ["/e"],
  Cmd: ["old"],
  Env: ["PATH=/bin", "A=1"],
  User: "app",
  ExposedPorts: { "80/tcp": {} },
};

// What docker commit keeps of a container: what it was told otherwise than its image.
const rows: readonly { readonly told: Parameters<typeof Container.fromPartial>[0]; readonly want: object }[] = [
  { told: {}, want: {} },
  { told: { args: ["new"] }, want: { Cmd: ["new"] } },
  { told: { command: ["/x"] }, want: { Entrypoint: ["/x"], Cmd: undefined } },
  { told: { command: ["/x"], args: ["y"] }, want: { Entrypoint: ["/x"], Cmd: ["y"] } },
  { told: { env: [{ name: "A", value: "2" }] }, want: { Env: ["PATH=/bin", "A=2"] } },
  // A value of a secret is not the image's to carry on.
  { told: { env: [{ name: "S", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] }, want: {} },
  { told: { workingDir: "/srv" }, want: { WorkingDir: "/srv" } },
  {
    told: { ports: [{ containerPort: 53, protocol: "UDP" }] },
    want: { ExposedPorts: { "80/tcp": {}, "53/udp": {} } },
  },
  { told: { securityContext: { runAsUser: 7, runAsGroup: 8 } }, want: { User: "7:8" } },
];

test.each(rows)("an image of a container that was told $told", ({ told, want }) => {
  expect(ranConfig(image, Container.fromPartial(told))).toEqual({ ...image, ...want });
});
