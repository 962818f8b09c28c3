import { afterEach, beforeEach, expect, test } from "vitest";
import { TallshipError } from "../../lib/errors.js";
import { InspectImageResponse } from "../../proto/gen/tallship/v1/images.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, podText, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  const config = Buffer.from(JSON.stringify({ os: "linux", config: { Cmd: ["serve"] } }));
  bench = await openTsctlBench({
    images: {
      inspect: async ({ name }) => {
        if (name !== "app" && name !== "web") throw new TallshipError("not_found", `no such image: ${name}`);
        return InspectImageResponse.fromPartial({ image: { name: `docker.io/library/${name}:latest` }, config });
      },
    },
  });
  bench.files.set("pod.yaml", podText("web"));
  await succeed(bench, "create -f pod.yaml");
  await succeed(bench, "volume create data");
  await succeed(bench, "network create back");
});
afterEach(() => bench.close());

test("a name is a container's, else an image's, a volume's or a network's", async () => {
  expect(await succeed(bench, "inspect -f {{.Name}} web/main data back")).toBe("/web/main\ndata\nback\n");
  expect(await succeed(bench, "inspect -f {{.Config.Cmd}} app")).toBe("[serve]\n");
  // The type decides where several have the name.
  expect(await succeed(bench, "inspect --type image -f {{.RepoTags}} web")).toBe("[web:latest]\n");
  await fail(bench, { line: "inspect --type volume back", code: 3, err: "no such volume: back" });
});

test("what is found is told though another is not there", async () => {
  const { code, out, err } = await bench.run(["inspect", "-f", "{{.Name}}", "nothing", "data"]);
  expect({ code, out, err }).toEqual({ code: 3, out: "data\n", err: "error: no such object: nothing\n" });
});

test("a word that only an image could be called is of no object where the cluster has no such image", async () => {
  await fail(bench, { line: "inspect team/app:v9", code: 3, err: "no such object: team/app:v9" });
});

test("of a container docker's fields are told: where its mounts come from, and what is exposed and open", async () => {
  const volumes =
    "[{name: a, hostPath: {path: /srv}}, {name: b, persistentVolumeClaim: {claimName: data}}, {name: c, emptyDir: {medium: Memory}}]";
  const mounts = "[{name: a, mountPath: /a, readOnly: true}, {name: b, mountPath: /b}, {name: c, mountPath: /c}]";
  bench.files.set(
    "full.yaml",
    `{apiVersion: v1, kind: Pod, metadata: {name: full, annotations: {tallship.dev/remove-when-over: "true"}}, spec: {nodeName: host1, volumes: ${volumes}, containers: [{name: full, image: i, volumeMounts: ${mounts}, ports: [{containerPort: 80, hostPort: 8080}, {containerPort: 53, protocol: UDP}]}]}}`,
  );
  await succeed(bench, "create -f full.yaml");
  const [found] = JSON.parse(await succeed(bench, "inspect full"));
  expect(found).toMatchObject({
    Mounts: [
      { Type: "bind", Source: "/srv", Destination: "/a", Mode: "ro", RW: false },
      { Type: "volume", Name: "data", Source: "data", Destination: "/b", RW: true },
      { Type: "tmpfs", Destination: "/c" },
    ],
    HostConfig: {
      AutoRemove: true,
      Binds: ["/srv:/a:ro", "data:/b"],
      PortBindings: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] },
    },
    Config: { ExposedPorts: { "80/tcp": {}, "53/udp": {} } },
    NetworkSettings: { Ports: { "80/tcp": [{ HostPort: "8080" }], "53/udp": null } },
  });
});
