import { afterEach, beforeEach, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, succeed, writeStatus } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
beforeEach(async () => {
  bench = await openTsctlBench();
});
afterEach(() => bench.close());

/** A node whose entry for HTTP is as told. */
async function putNode(name: string, condition: object): Promise<void> {
  const node = { apiVersion: "v1", kind: "Node", metadata: { name } };
  await bench.api.create(objectOf(JSON.stringify(node)));
  const status = { conditions: [{ type: "IngressReady", ...condition }] };
  await writeStatus(bench, JSON.stringify({ ...node, status }));
}

test("the page of an ingress tells what of it has no effect, and which nodes do not serve it", async () => {
  const backend = "backend: {service: {name: far, port: {number: 80}}}";
  const rules = `[{host: a.example, http: {paths: [{path: /, pathType: Prefix, ${backend}}]}}]`;
  for (const text of [
    "{apiVersion: v1, kind: Service, metadata: {name: far, namespace: default}, spec: {type: ExternalName, externalName: far.example}}",
    `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: shop, namespace: default}, spec: {tls: [{hosts: [a.example], secretName: cert}], rules: ${rules}}}`,
  ])
    await bench.api.create(objectOf(text));
  const ofShop = "ingress default/shop: annotation use-regex: means nothing";
  const message = `${ofShop}; ingress default/shopping: another one's; secret default/cert: there is no such secret`;
  await putNode("host1", { status: "True", reason: "ServingInPart", message });
  await putNode("host2", { status: "False", reason: "ProxyFailed", message: "port 80 is taken" });
  await putNode("host3", { status: "True", reason: "ServingInPart", message });
  const page = await succeed(bench, "describe ingress shop");
  expect(page.split(/^Rules:.*\n/m)[1]).toBe(`  Host        Path   Backends
  ----        ----   --------
  a.example
              /      far:80 (<error: a service of type ExternalName takes no requests>)
Problems:         annotation use-regex: means nothing
                  secret default/cert: there is no such secret
                  node host2 does not serve it: port 80 is taken
Events:           <none>
`);
});
