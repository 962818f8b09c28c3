import { afterEach, beforeEach, expect, test } from "vitest";
import { ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import { ImageOutput, type LoadImages } from "../../proto/gen/tallship/v1/images.js";
import { ChangesChunk } from "../../proto/gen/tallship/v1/streams.js";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { fail, podText, succeed } from "../../test/kit/tsctl-steps.js";

const ID = `sha256:${"b".repeat(64)}`;
const loaded = ImageOutput.fromPartial({
  part: {
    $case: "loaded",
    value: { names: ["x"], spec: ImageSpec.fromPartial({ configDigest: ID }), nodes: ["a", "b"] },
  },
});

let bench: TsctlBench;
const seen: unknown[] = [];
const sent: LoadImages[] = [];
beforeEach(async () => {
  seen.length = 0;
  sent.length = 0;
  bench = await openTsctlBench({
    streams: {
      changes: async function* (request) {
        seen.push(request);
        const changes = [
          { is: "changed", path: "/etc" },
          { is: "added", path: "/etc/a\u001b[2J" },
        ];
        yield ChangesChunk.fromPartial({ changes });
        yield ChangesChunk.fromPartial({ changes: [{ is: "deleted", path: "/gone" }] });
      },
      copy: async function* (inputs) {
        for await (const { part } of inputs) if (part?.$case === "copy") seen.push(part.value);
        yield { part: { $case: "stdout", value: Buffer.from("an archive") } };
      },
    },
    images: {
      commit: async function* (request) {
        seen.push(request);
        yield loaded;
      },
      load: async function* (inputs) {
        for await (const input of inputs) sent.push(input);
        yield loaded;
      },
    },
  });
  bench.files.set("pod.yaml", podText("web"));
  await succeed(bench, "create -f pod.yaml");
});
afterEach(() => bench.close());

test("diff of a container is docker's, and what a file is called cannot speak to the terminal", async () => {
  const out = await succeed(bench, "diff web");
  expect(out).toMatch(/^C \/etc\nA \/etc\/a[^\u001b]*\nD \/gone\n$/);
  expect(await succeed(bench, "container diff web/side")).toBe(out);
  expect(seen).toMatchObject([
    { namespace: "default", pod: "web", container: "main" },
    { pod: "web", container: "side" },
  ]);
  await fail(bench, { line: "diff -f pod.yaml web", code: 2, err: 'unexpected "web" beside files' });
});

test("export writes a container's files to a file or a pipe, never to a terminal", async () => {
  expect(await succeed(bench, "export web")).toBe("an archive");
  expect(await succeed(bench, "export -o web.tar web")).toBe("");
  expect(bench.files.get("web.tar")).toBe("an archive");
  expect(seen).toMatchObject([{ pod: "web", container: "main", isWhole: true }, {}]);
  const { code, err } = await bench.run(["export", "web"], { isTerminal: true });
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining("not for a terminal") });
});

test("commit sends what the user says of the image and prints its id", async () => {
  const line = ["commit", "-a", "ann", "-m", "why", "-c", "ENV A=1", "-c", "CMD serve", "web", "web:v2"];
  expect(await bench.run(line)).toMatchObject({ code: 0, out: `${ID}\n`, err: "" });
  expect(seen).toMatchObject([
    {
      ...{ namespace: "default", pod: "web", container: "main", names: ["web:v2"], author: "ann", message: "why" },
      changes: ["ENV A=1", "CMD serve"],
    },
  ]);
  await fail(bench, { line: "commit web", code: 2, err: "name the image that it becomes" });
  await fail(bench, { line: "commit none x", code: 3, err: "no such container: none" });
});

test("import sends a root file system, of a file or standard input", async () => {
  bench.files.set("root.tar", "a root");
  expect(await succeed(bench, "import root.tar base:v1")).toBe(`${ID}\n`);
  expect(sent[0]?.part).toMatchObject({
    $case: "start",
    value: { names: ["base:v1"], rootFs: { changes: [], message: "Imported from root.tar" } },
  });
  expect(await bench.run(["import", "-c", "CMD sh", "-m", "mine", "-", "base"], { input: "x" })).toMatchObject({
    code: 0,
  });
  expect(sent[2]?.part).toMatchObject({ value: { rootFs: { changes: ["CMD sh"], message: "mine" } } });
  await fail(bench, {
    line: "import http://x/y.tar base",
    code: 2,
    err: "curl -L http://x/y.tar | tsctl import - base",
  });
  await fail(bench, { line: "import none.tar base", code: 6, err: "import none.tar: it does not exist" });
  await fail(bench, { line: "import root.tar", code: 2, err: "name the image that it becomes" });
});
