import { afterEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";

const benches: TsctlBench[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.close();
});

async function newBench(text: string): Promise<TsctlBench> {
  const bench = await openTsctlBench();
  benches.push(bench);
  bench.files.set("shop/compose.yaml", text);
  return bench;
}

test("apply knows a compose file by its content, gives the project its namespace and opens its ports", async () => {
  const bench = await newBench(`services: {web: {image: "web:1", ports: ["8080:80"]}}`);
  const ran = await bench.run(["apply", "-f", "shop/compose.yaml"], { env: { PWD: "/home/ann" } });
  expect(ran.out.split("\n")).toEqual([
    "namespace/shop created",
    "networkpolicy.networking.k8s.io/network-default created",
    "service/web created",
    "service/web-published created",
    "networkpolicy.networking.k8s.io/web-published created",
    "deployment.apps/web created",
    "",
  ]);
  const again = await bench.run(["apply", "-f", "shop/compose.yaml"], { env: { PWD: "/home/ann" } });
  expect(again.out).not.toContain("created");
  const other = await bench.run(["apply", "-f", "shop/compose.yaml", "-n", "default"], { env: { PWD: "/home/ann" } });
  expect(other.code).toBe(1);
  expect(other.err).toContain("8080 is taken by");
});

test("what is wrong in a compose file is told at its place, and a compose tag in a manifest is refused", async () => {
  const bench = await newBench(`services:\n  web: {image: "web:1", prots: []}\n`);
  bench.files.set("m.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: !reset {}\n");
  const ran = await bench.run(["apply", "-f", "shop/compose.yaml", "-f", "m.yaml"]);
  expect(ran.code).toBe(6);
  expect(ran.err).toContain('shop/compose.yaml:2:25: services.web.prots: unknown field "prots", did you mean "ports"?');
  expect(ran.err).toContain("m.yaml:4:14: tag !reset is not supported");
});

test("--strict refuses what has no effect", async () => {
  const bench = await newBench(`services: {web: {image: "web:1", init: true}}`);
  const ran = await bench.run(["apply", "-f", "shop/compose.yaml", "--strict"]);
  expect(ran.code).toBe(6);
  expect(ran.err).toContain("services.web.init: not enforced, refused by --strict: the command itself is process 1");
});

test("a port that the nodes need themselves cannot be published", async () => {
  const bench = await newBench(`services:\n  web:\n    image: "web:1"\n    ports: ["22:22", "7443:80"]\n`);
  const ran = await bench.run(["apply", "-f", "shop/compose.yaml"]);
  expect(ran.code).toBe(6);
  expect(ran.err).toContain(
    "shop/compose.yaml:4:13: spec.ports[0].nodePort: port 22 is one that the nodes need themselves",
  );
  expect(ran.err).toContain(
    "shop/compose.yaml:4:22: spec.ports[1].nodePort: port 7443 is one that the nodes need themselves",
  );
});
