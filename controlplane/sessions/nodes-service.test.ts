import { expect, test } from "vitest";
import { createKey, publicKeyOf } from "../../lib/pki/keys.js";
import { pinOfKey, readCertificate } from "../../lib/pki/read.js";
import { createRequest } from "../../lib/pki/request.js";
import { NodesDefinition } from "../../proto/gen/tallship/v1/session.js";
import { sessionWorld } from "../../test/kit/session-world.js";

async function renewalWorld() {
  const world = sessionWorld();
  await world.startReplica("a");
  await world.putNode("n1");
  const client = world.dialer({ name: "n1", role: "node" }).dial("a:7443").client(NodesDefinition);
  return { ...world, client };
}

test("a node gets a new certificate for its own name, whatever its request says, and for the key that signed it", async () => {
  const { client, clock } = await renewalWorld();
  const keyPem = createKey();
  const { certificate } = await client.renewCertificate({ csr: createRequest(keyPem, "somebody-else") });
  const facts = readCertificate(certificate);
  expect(facts.subject).toEqual({ name: "n1", organization: "tallship:node" });
  expect(facts.pin).toBe(pinOfKey(publicKeyOf(keyPem)));
  expect(facts.notAfterMs - clock.nowMs()).toBe(86_400_000);
});

test("a node that is not in the cluster any more gets none", async () => {
  const { dialer } = await renewalWorld();
  const gone = dialer({ name: "gone", role: "node" }).dial("a:7443").client(NodesDefinition);
  await expect(gone.renewCertificate({ csr: createRequest(createKey(), "gone") })).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("node gone is not in the cluster any more"),
  });
});

test("an administrator gets no node's certificate", async () => {
  const { dialer } = await renewalWorld();
  const admin = dialer({ name: "n1", role: "admin" }).dial("a:7443").client(NodesDefinition);
  await expect(admin.renewCertificate({ csr: createRequest(createKey(), "n1") })).rejects.toMatchObject({
    code: "forbidden",
  });
});
