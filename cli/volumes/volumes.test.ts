import { afterEach, beforeEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, succeed } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench({});
});
afterEach(() => bench.close());

const POD = `{apiVersion: v1, kind: Pod, metadata: {name: db}, spec: {containers: [{name: db, image: db}], volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]}}`;

test("volumes are made, listed by filters and formats, told of, and removed unless a container mounts them", async () => {
  expect(await succeed(bench, "volume create data")).toBe("data\n");
  expect(await succeed(bench, "volume create --size 5Gi --label tier=cache cache")).toBe("cache\n");
  expect(await succeed(bench, "volume create data")).toBe("data\n");
  bench.files.set("pod.yaml", POD);
  await succeed(bench, "create -f pod.yaml");
  expect(await succeed(bench, "volume ls -q")).toBe("cache\ndata\n");
  expect(await succeed(bench, "volume ls -q --filter dangling=true")).toBe("cache\n");
  expect(await succeed(bench, "volume ls -q -f label=tier=cache")).toBe("cache\n");
  expect((await bench.run(["volume", "ls", "--format", "table {{.Name}}\\t{{.Size}}\\t{{.Users}}"])).out).toBe(
    "VOLUME NAME   SIZE   USED BY\ncache         5Gi\ndata          1Gi    db\n",
  );
  expect(await succeed(bench, "volume inspect -f {{.Size}}/{{.UsedBy}} data")).toBe("1Gi/[db]\n");
  await fail(bench, { line: "volume rm data", code: 1, err: "volume data is in use by container db" });
  expect(await succeed(bench, "volume create -o size=2Gi")).toMatch(/^[0-9a-f]{32}\n$/);
  expect(await succeed(bench, "volume ls --format {{.Size}}")).toContain("2Gi\n");
  await fail(bench, { line: "volume create -o type=nfs x", code: 2, err: "--opt type=nfs means nothing to a claim" });
  await fail(bench, { line: "volume rm none", code: 3, err: "no such volume: none" });
  await fail(bench, { line: "volume prune", code: 2, err: "nobody can be asked here" });
  const [title, ...pruned] = (await succeed(bench, "volume prune -f")).trim().split("\n");
  expect([title, pruned.length]).toEqual(["Deleted Volumes:", 2]);
  expect(pruned).toEqual(expect.arrayContaining(["cache", expect.stringMatching(/^[0-9a-f]{32}$/)]));
  expect(await succeed(bench, "volume ls -q")).toBe("data\n");
});

test("what docker has and this has not says what to use instead", async () => {
  await fail(bench, { line: "rename web other", code: 1, err: "rename is not offered" });
  await fail(bench, {
    line: "run --link db busybox",
    code: 2,
    err: "--link is not offered: containers with a --name reach each other by it",
  });
  await fail(bench, { line: "run --memroy 1g busybox", code: 2, err: "did you mean --memory?" });
});
