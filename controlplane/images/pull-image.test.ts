import { expect, test } from "vitest";
import { Image, ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import { type ImageOutput, ImagesDefinition, PullImage } from "../../proto/gen/tallship/v1/images.js";
import { Secret } from "../../proto/gen/tallship/v1/secret.js";
import { FakeNode } from "../../test/kit/fake-node.js";
import { sessionWorld } from "../../test/kit/session-world.js";

const NAME = "reg.example/app:v1";
const DIGEST = `sha256:${"a".repeat(64)}`;
const INDEX = `sha256:${"1".repeat(64)}`;
const spec = ImageSpec.fromPartial({ digest: DIGEST });
const LOGIN = { host: "reg.example", username: "ann", password: "secret" };

/** A leader with two nodes, and an operator whose namespace has logins for two registries. */
async function pullWorld() {
  const world = sessionWorld();
  const replica = await world.startReplica("a");
  replica.lead();
  const names = ["n1", "n2"];
  for (const name of names) await world.putNode(name);
  const nodes = names.map((name) => new FakeNode(world.dialer({ name, role: "node" }), "a:7443"));
  for (const node of nodes) node.hello();
  const auths = { "reg.example": { username: "ann", password: "secret" }, other: { username: "bob", password: "x" } };
  const data = { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })) };
  await world.put({
    kind: "Secret",
    object: Secret.fromPartial({ metadata: { namespace: "team", name: "registry-login" }, data }),
  });
  await world.clock.advance(10);
  const client = world.dialer({ name: "ada", role: "admin" }).dial("a:7443").client(ImagesDefinition);
  const settle = () => world.clock.advance(5);
  const pull = async (request: Partial<PullImage>) => {
    const seen: ImageOutput[] = [];
    const over: { error?: unknown } = {};
    const read = async (): Promise<void> => {
      const outputs = client.pull(PullImage.fromPartial({ name: NAME, namespace: "team", ...request }), {
        signal: new AbortController().signal,
      });
      for await (const output of outputs) seen.push(output);
    };
    void read().catch((error: unknown) => {
      over.error = error;
    });
    await settle();
    return { seen, over };
  };
  /** What a node is asked now; it answers with these. */
  const answer = async (at: number, ...parts: readonly NonNullable<ImageOutput["part"]>[]) => {
    const node = nodes[at];
    if (node === undefined) throw new Error("no such node");
    const open = node.lastOpen();
    const carry = node.carry(open);
    await settle();
    for (const part of parts) carry.send({ $case: "image", value: { part } });
    carry.end();
    await settle();
    return open.what?.$case === "image" ? open.what.value.task : undefined;
  };
  return { ...world, view: replica.view, nodes, pull, answer, settle };
}

const loaded = { $case: "loaded", value: { names: [], spec, nodes: [] } } as const;

test("the registry is asked once what a name stands for, all nodes pull that with its login alone, and the name is the cluster's", async () => {
  const { view, pull, answer } = await pullWorld();
  const { seen, over } = await pull({});
  expect(await answer(0, { $case: "resolved", value: INDEX })).toEqual({
    $case: "resolve",
    value: { name: NAME, logins: [LOGIN] },
  });
  const task = { $case: "pull", value: { name: `reg.example/app@${INDEX}`, logins: [LOGIN] } };
  expect(await answer(0, { $case: "progress", value: { step: "", bytesDone: 1, bytesTotal: 2 } }, loaded)).toEqual(
    task,
  );
  expect(await answer(1, { $case: "progress", value: { step: "", bytesDone: 2, bytesTotal: 2 } }, loaded)).toEqual(
    task,
  );
  expect(over.error).toBeUndefined();
  expect(seen.map(({ part }) => part)).toMatchObject([
    { value: { step: "pulling to 2 nodes", bytesDone: 1, bytesTotal: 2 } },
    { value: { bytesDone: 3, bytesTotal: 4 } },
    { $case: "loaded", value: { names: [NAME], nodes: ["n1", "n2"] } },
  ]);
  expect(view.get("Image", "", NAME)?.spec).toMatchObject({ digest: DIGEST, registryDigest: INDEX });
});

test("a node that fails is told of and the others have it; when none has, the pull fails and nothing is named", async () => {
  const { view, nodes, pull, answer, settle } = await pullWorld();
  const some = await pull({});
  await answer(0, { $case: "resolved", value: INDEX });
  nodes[1]?.die();
  await settle();
  await answer(0, loaded);
  expect(some.seen.map(({ part }) => part)).toMatchObject([
    { $case: "failed", value: { name: "n2" } },
    { $case: "loaded", value: { nodes: ["n1"] } },
  ]);
  const none = await pull({ name: "reg.example/none:v1" });
  await answer(0, { $case: "resolved", value: INDEX });
  nodes[0]?.die();
  await settle();
  expect(none.over.error).toMatchObject({ code: "unavailable" });
  expect(view.list("Image").map(({ object }) => object.metadata?.name)).toEqual([NAME]);
});

test("the cluster's own image goes to the nodes without a word to a registry", async () => {
  const { view, put, pull, answer } = await pullWorld();
  await put({ kind: "Image", object: Image.fromPartial({ metadata: { name: NAME }, spec }) });
  const { seen } = await pull({ nodes: ["n2"] });
  expect(await answer(1)).toMatchObject({ $case: "fetch", value: { name: NAME, spec: { digest: DIGEST } } });
  expect(seen).toMatchObject([{ part: { $case: "loaded", value: { nodes: ["n2"] } } }]);
  expect(view.get("Image", "", NAME)?.spec?.registryDigest).toBe("");
});

test("nodes that are not there are named", async () => {
  const { putNode, pull } = await pullWorld();
  expect((await pull({ nodes: ["n9"] })).over.error).toMatchObject({ code: "not_found" });
  await putNode("n1", "Unknown");
  const { over } = await pull({ nodes: ["n1"] });
  expect(over.error).toMatchObject({ code: "unavailable", message: expect.stringContaining("n1 is not Ready") });
});
