import { afterEach, beforeEach, expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench({});
});
afterEach(() => bench.close());

const pod = (name: string, networks: string): Promise<unknown> =>
  bench.api.create({
    kind: "Pod",
    object: Pod.fromPartial({
      metadata: { name, namespace: "default", annotations: { "tallship.dev/networks": networks } },
      spec: { containers: [{ name: "main", image: "app:1" }] },
    }),
  });

test("a network is made with docker's words, listed beside those that are always there, and inspected", async () => {
  const id = (await succeed(bench, "network create -d overlay --subnet 172.28.0.0/16 --opt encrypted back")).trim();
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  await succeed(bench, "network create -d bridge --internal side");
  const listed = await succeed(bench, "network ls");
  expect(listed.split("\n").map((line) => line.trim().split(/\s+/).slice(1).join(" "))).toEqual([
    "ID NAME DRIVER SCOPE",
    "default overlay cluster",
    "host host local",
    "none null local",
    "back overlay cluster",
    "side bridge local",
    "",
  ]);
  expect(await succeed(bench, "network ls -q")).toContain(id.slice(0, 12));
  expect(await succeed(bench, "network ls -q --filter driver=bridge")).toBe(
    await succeed(bench, "network ls -f name=side --format {{.ID}}"),
  );
  expect(await succeed(bench, "network ls --filter type=custom --format {{.Name}}:{{.Internal}}")).toBe(
    "back:false\nside:true\n",
  );
  expect(await succeed(bench, "network inspect -f {{.Driver}} back side")).toBe("overlay\nbridge\n");
  await pod("web", "default,back");
  const [inspected] = JSON.parse(await succeed(bench, "network inspect back"));
  expect(inspected).toMatchObject({
    Name: "back",
    Driver: "overlay",
    Encrypted: true,
    IPAM: { Config: [{ Subnet: "172.28.0.0/16" }] },
  });
  expect(Object.values(inspected.Containers)).toMatchObject([{ Name: "web" }]);
  expect(await succeed(bench, "get networks")).toMatch(
    /^NAME +DRIVER +SUBNET +INTERNAL +ENCRYPTED +PODS +AGE\nback +overlay/,
  );
  expect(await succeed(bench, "describe network back")).toContain("Subnet:");
});

test("a network that containers are on stays, and the others go", async () => {
  await succeed(bench, "network create back");
  await succeed(bench, "network create side");
  await pod("web", "back");
  await fail(bench, { line: "network rm back", code: 1, err: "network back has active endpoints: web" });
  await fail(bench, { line: "network rm host", code: 1, err: "is always there" });
  await fail(bench, { line: "network rm nowhere", code: 3, err: "nowhere" });
  expect(await succeed(bench, "network rm -f nowhere")).toBe("");
  expect(await succeed(bench, "network prune")).toBe("Deleted Networks:\nside\n");
  expect(await succeed(bench, "network rm -f nowhere side")).toBe("");
  await fail(bench, { line: "network connect back web", code: 1, err: "fixed when it is made" });
});

test("a clash of ranges is refused with the other's name", async () => {
  await succeed(bench, "network create --subnet 172.28.0.0/16 back");
  const err = "172.28.4.0/24 overlaps 172.28.0.0/16 of Network default/back";
  await fail(bench, { line: "network create --subnet 172.28.4.0/24 side", code: 6, err });
});
