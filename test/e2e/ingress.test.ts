import { afterAll, beforeAll, expect, test } from "vitest";
import { issueKeyPair } from "../../lib/pki/issue.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { testAuthority } from "../kit/test-authority.js";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { applyText, manifest, startCluster } from "./cluster.js";

let testbed: Testbed;

beforeAll(async () => {
  testbed = await startCluster("ingress", { hostCount: 2 });
  await testbed.tsctl(["apply", "-f", manifest("ingress.yaml")]);
  await testbed.tsctl(["rollout", "status", "deploy/greeter"]);
});

afterAll(async () => {
  await testbed?.down();
});

const patience = { deadlineMs: 30_000, everyMs: 100 };
const HOST = "hello.example";

/** What curl says in a host's network. */
async function curl(host: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await testbed.exec(host, ["curl", "-s", "-m", "3", ...args]);
  return stdout;
}

/** Status codes of so many requests, one after another, each on a connection of its own. */
async function statusCodes(host: string, count: number): Promise<ReadonlySet<string>> {
  const one = `curl -s -o /dev/null -m 2 -w '%{http_code}\\n' -H 'Host: ${HOST}' http://127.0.0.1/`;
  const { stdout } = await testbed.exec(host, ["sh", "-c", `for i in $(seq ${count}); do ${one}; done`]);
  return new Set(stdout.trim().split("\n"));
}

async function addresses(): Promise<readonly string[]> {
  const { status } = JSON.parse(await testbed.tsctl(["get", "ingress", "greeter", "-o", "json"]));
  return (status?.loadBalancer?.ingress ?? []).map(({ ip }: { readonly ip: string }) => ip);
}

test("every node takes requests for the ingress, and leads them to pods on all nodes", async () => {
  const own = [testbed.host("host1").address, testbed.host("host2").address];
  await waitFor("the ingress to have both addresses", async () => (await addresses()).length === 2, patience);
  expect(await addresses()).toEqual(own);
  for (const address of own) {
    const answerers = async (): Promise<ReadonlySet<string | undefined>> => {
      const one = (): Promise<string> => curl("host1", "-H", `Host: ${HOST}`, `http://${address}/`);
      const answers = await Promise.all(Array.from({ length: 12 }, one));
      return new Set(answers.map((answer) => / on (\w+)/.exec(answer)?.[1]));
    };
    await expect.poll(answerers).toEqual(new Set(["host1", "host2"]));
  }
  expect(await curl("host1", "-o", "/dev/null", "-w", "%{http_code}", `http://${own[1]}/`)).toBe("404");
});

test("no request fails while the pods behind it are replaced, another ingress comes, and the agent dies", async () => {
  const codes = statusCodes("host2", 300);
  await testbed.tsctl(["rollout", "restart", "deploy/greeter"]);
  const other = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: other }
spec: { defaultBackend: { service: { name: greeter, port: { number: 80 } } } }
`;
  await applyText(testbed, other);
  await testbed.tsctl(["rollout", "status", "deploy/greeter"]);
  await testbed.process("host2", "agent", "kill");
  await waitFor("the new entry", async () => (await curl("host2", "http://127.0.0.1/")).includes("hello"), patience);
  expect(await codes).toEqual(new Set(["200"]));
});

test("a certificate that comes after its ingress is shown, and the next one too", async () => {
  const spec = { tls: [{ hosts: [HOST], secretName: "cert" }] };
  await testbed.tsctl(["patch", "ingress", "greeter", "--type", "merge", "-p", JSON.stringify({ spec })]);
  for (const authority of [testAuthority("first"), testAuthority("second")]) {
    const terms = {
      subject: { name: HOST, organization: "" },
      addresses: [HOST],
      usages: ["server"],
      nowMs: systemClock.nowMs(),
      lifeMs: 3_600_000,
    } as const;
    const { certificatePem, keyPem } = issueKeyPair(authority, terms, systemRng);
    const values = { "tls.crt": certificatePem, "tls.key": keyPem, "ca.crt": authority.certificatePem };
    await applyText(
      testbed,
      JSON.stringify({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "cert" },
        type: "kubernetes.io/tls",
        stringData: values,
      }),
    );
    const ask = [
      "sh",
      "-c",
      `cat > /tmp/ca.pem; curl -s -m 3 --cacert /tmp/ca.pem --resolve ${HOST}:443:127.0.0.1 https://${HOST}/`,
    ];
    await waitFor(
      "the certificate to be shown",
      async () => (await testbed.exec("host2", ask, { input: authority.certificatePem })).stdout.includes("hello"),
      patience,
    );
  }
});
