import { expect, test } from "vitest";
import { Image, ImageSpec } from "../../proto/gen/tallship/v1/image.js";
import { CommitContainer, type ImageOutput, ImagesDefinition } from "../../proto/gen/tallship/v1/images.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { FakeNode } from "../../test/kit/fake-node.js";
import { sessionWorld } from "../../test/kit/session-world.js";

const NAME = "docker.io/library/web:v2";
const spec = ImageSpec.fromPartial({ digest: `sha256:${"a".repeat(64)}` });

/** A leader with one node, on which pod web runs. */
async function commitWorld() {
  const world = sessionWorld();
  const replica = await world.startReplica("a");
  replica.lead();
  await world.putNode("n1");
  const containers = [{ name: "main", image: "web" }];
  await world.put({
    kind: "Pod",
    object: Pod.fromPartial({
      metadata: { namespace: "default", name: "web", uid: "uid-web" },
      spec: { nodeName: "n1", containers },
    }),
  });
  const node = new FakeNode(world.dialer({ name: "n1", role: "node" }), "a:7443");
  node.hello();
  await world.clock.advance(10);
  const client = world.dialer({ name: "ada", role: "admin" }).dial("a:7443").client(ImagesDefinition);
  const commit = (more: Partial<CommitContainer> = {}) => {
    const seen: ImageOutput[] = [];
    const over: { error?: unknown } = {};
    const request = CommitContainer.fromPartial({ namespace: "default", pod: "web", names: ["web:v2"], ...more });
    void (async () => {
      try {
        for await (const output of client.commit(request, { signal: new AbortController().signal })) seen.push(output);
      } catch (error) {
        over.error = error;
      }
    })();
    return { seen, over };
  };
  return { ...world, replica, node, commit, settle: () => world.clock.advance(5) };
}

test("the node of the container makes the image, and it is the cluster's before it is told", async () => {
  const { replica, node, commit, settle } = await commitWorld();
  const { seen, over } = commit({ changes: ["ENV A=1"], author: "ann", message: "why" });
  await settle();
  expect(over.error).toBeUndefined();
  const open = node.lastOpen();
  expect(open).toMatchObject({
    podUID: "uid-web",
    what: {
      $case: "commit",
      value: { container: "main", names: [NAME], changes: ["ENV A=1"], author: "ann", message: "why", isOwn: false },
    },
  });
  const carry = node.carry(open);
  carry.send({ $case: "image", value: { part: { $case: "loaded", value: { names: [NAME], spec, nodes: [] } } } });
  carry.end();
  await settle();
  expect(replica.view.get("Image", "", NAME)?.spec?.digest).toBe(spec.digest);
  expect(seen).toMatchObject([{ part: { $case: "loaded", value: { names: [NAME], nodes: ["n1"] } } }]);
});

test("of an image of the cluster the node is told that no registry has it", async () => {
  const { node, put, commit, settle } = await commitWorld();
  await put({
    kind: "Image",
    object: Image.fromPartial({ metadata: { name: "docker.io/library/web:latest" }, spec }),
  });
  await settle();
  commit();
  await settle();
  expect(node.lastOpen().what).toMatchObject({ $case: "commit", value: { isOwn: true, logins: [] } });
});

test("what cannot be is refused before a node is asked", async () => {
  const { node, commit, settle } = await commitWorld();
  const rows = [
    { asked: { names: [] }, code: "invalid_argument" },
    { asked: { names: [`web@sha256:${"a".repeat(64)}`] }, code: "invalid_argument" },
    { asked: { pod: "nothing" }, code: "not_found" },
    { asked: { container: "other" }, code: "not_found" },
  ];
  for (const { asked, code } of rows) {
    const { over } = commit(asked);
    await settle();
    expect(over.error).toMatchObject({ code });
  }
  expect(node.got("open")).toEqual([]);
});
