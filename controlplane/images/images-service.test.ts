import { expect, test } from "vitest";
import { Pipe } from "../../lib/transport/pipe.js";
import { ContentWant } from "../../proto/gen/tallship/v1/fabric.js";
import { Image, ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import { type ImageOutput, ImagesDefinition, LoadImages } from "../../proto/gen/tallship/v1/images.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { FakeNode } from "../../test/kit/fake-node.js";
import { sessionWorld } from "../../test/kit/session-world.js";

const NAME = "docker.io/library/app:v1";
const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;
const specOf = (letter: string): ImageSpec =>
  ImageSpec.fromPartial({ digest: digestOf(letter), layers: [{ digest: digestOf("9"), sizeBytes: 7 }] });

/** The leader is a, the operator talks to b: of two nodes one is Ready. */
async function loadWorld() {
  const world = sessionWorld();
  const a = await world.startReplica("a");
  const b = await world.startReplica("b");
  a.lead();
  await world.putNode("n1", "False");
  await world.putNode("n2");
  const nodes = ["n1", "n2"].map((name) => new FakeNode(world.dialer({ name, role: "node" }), "a:7443"));
  for (const node of nodes) node.hello();
  await world.clock.advance(10);
  const images = world.dialer({ name: "ada", role: "admin" }).dial("b:7443").client(ImagesDefinition);
  const load = (...chunks: readonly string[]) => {
    const input = new Pipe<LoadImages>(16);
    const gone = new AbortController();
    const seen: ImageOutput[] = [];
    const over: { error?: unknown } = {};
    void (async () => {
      try {
        for await (const output of images.load(input, { signal: gone.signal })) seen.push(output);
      } catch (error) {
        over.error = error;
      }
    })();
    input.push(LoadImages.fromPartial({ part: { $case: "start", value: { names: [] } } }));
    for (const chunk of chunks)
      input.push(LoadImages.fromPartial({ part: { $case: "chunk", value: Buffer.from(chunk) } }));
    return { input, seen, over, breakOff: () => gone.abort() };
  };
  return { ...world, b, nodes, images, load, settle: () => world.clock.advance(5) };
}

test("an archive goes to a Ready node, and what it holds gets its name in the cluster, again when it is loaded again", async () => {
  const { b, nodes, load, settle } = await loadWorld();
  for (const letter of ["a", "b"]) {
    const loading = load("one", "two");
    await settle();
    const carry = nodes[1]?.carry(nodes[1].lastOpen());
    await settle();
    loading.input.end();
    await settle();
    const parts = carry?.received.map(({ part }) => (part?.$case === "image" ? part.value.part : undefined));
    expect(parts?.map((part) => (part?.$case === "chunk" ? part.value.toString() : part?.$case))).toEqual([
      "one",
      "two",
      "end",
    ]);
    carry?.send({
      $case: "image",
      value: { part: { $case: "loaded", value: { names: [NAME], spec: specOf(letter), nodes: [] } } },
    });
    carry?.end();
    await settle();
    expect(loading.seen).toMatchObject([{ part: { $case: "loaded", value: { names: [NAME], nodes: ["n2"] } } }]);
    expect(b.view.get("Image", "", NAME)?.spec?.digest).toBe(digestOf(letter));
  }
  expect(nodes[0]?.got("open")).toEqual([]);
});

test("an operator that breaks off leaves no name, and the node sees no end of the archive", async () => {
  const { b, nodes, load, settle } = await loadWorld();
  const loading = load("one");
  await settle();
  const carry = nodes[1]?.carry(nodes[1].lastOpen());
  await settle();
  loading.breakOff();
  await settle();
  expect(b.view.list("Image")).toEqual([]);
  const parts = carry?.received.map(({ part }) => (part?.$case === "image" ? part.value.part?.$case : part?.$case));
  expect(parts).toEqual(["chunk", "cancel"]);
});

test("without a Ready node it fails and says so", async () => {
  const { putNode, load, settle } = await loadWorld();
  await putNode("n2", "Unknown");
  const { over } = load("one");
  await settle();
  expect(over.error).toMatchObject({ code: "unavailable", message: expect.stringContaining("no node is Ready") });
});

test("a second node fetches what was loaded before the operator is told, and may", async () => {
  const { putNode, nodes, load, settle } = await loadWorld();
  await putNode("n1");
  const loading = load("one");
  await settle();
  const carry = nodes[0]?.carry(nodes[0].lastOpen());
  await settle();
  loading.input.end();
  carry?.send({
    $case: "image",
    value: { part: { $case: "loaded", value: { names: [NAME], spec: specOf("a"), nodes: [] } } },
  });
  await settle();
  const open = nodes[1]?.lastOpen();
  expect(open?.what).toMatchObject({ $case: "image", value: { task: { $case: "fetch", value: { name: NAME } } } });
  expect(loading.seen.map(({ part }) => part?.$case)).toEqual([]);
  // The content goes from node to node: the leader says where, though no pod names it.
  nodes[0]?.send({ $case: "images", value: { isWhole: false, added: [digestOf("9")], removed: [] } });
  nodes[1]?.send({
    $case: "want",
    value: ContentWant.fromPartial({ digest: digestOf("9"), sizeBytes: 7, repository: "docker.io/library/app" }),
  });
  await settle();
  await settle();
  await settle();
  await settle();
  await settle();
  expect(nodes[1]?.got("contentPlan")[0]).toMatchObject({ digest: digestOf("9"), refusedCode: "" });
  if (open !== undefined) nodes[1]?.carry(open).end();
  await settle();
  expect(loading.seen).toMatchObject([{ part: { $case: "loaded", value: { nodes: ["n1", "n2"] } } }]);
});

test("a second node that fails leaves the image with one", async () => {
  const { putNode, nodes, load, settle } = await loadWorld();
  await putNode("n1");
  const loading = load("one");
  await settle();
  const carry = nodes[0]?.carry(nodes[0].lastOpen());
  await settle();
  carry?.send({
    $case: "image",
    value: { part: { $case: "loaded", value: { names: [NAME], spec: specOf("a"), nodes: [] } } },
  });
  await settle();
  nodes[1]?.die();
  await settle();
  expect(loading.seen).toMatchObject([{ part: { $case: "loaded", value: { nodes: ["n1"] } } }]);
});

test("a name that a pod uses stays, unless it is taken by force; the nodes are told", async () => {
  const { b, put, nodes, images, settle } = await loadWorld();
  await put({ kind: "Image", object: Image.fromPartial({ metadata: { name: NAME }, spec: specOf("a") }) });
  const spec = { nodeName: "n2", containers: [{ name: "main", image: "app:v1" }] };
  await put({
    kind: "Pod",
    object: Pod.fromPartial({ metadata: { name: "web", namespace: "default", uid: "u" }, spec }),
  });
  await expect(images.remove({ names: ["app:v1"], force: false })).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("is used by pod default/web"),
  });
  const removing = images.remove({ names: ["app:v1"], force: true });
  await settle();
  const open = nodes[1]?.lastOpen();
  expect(open?.what).toMatchObject({ value: { task: { $case: "prune", value: { names: [NAME] } } } });
  if (open !== undefined) nodes[1]?.carry(open).end();
  await settle();
  expect(await removing).toEqual({ untagged: [NAME], deleted: [digestOf("a")] });
  expect(b.view.list("Image")).toEqual([]);
  await expect(images.remove({ names: ["app:v1"], force: true })).rejects.toMatchObject({ code: "not_found" });
});
