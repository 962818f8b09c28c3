import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { systemClock } from "../../lib/system-clock.js";
import { ingressOf, type TestIngress } from "../../test/kit/ingress-world.js";
import { haproxy } from "./haproxy.js";
import { proxyText } from "./proxy-text.js";
import { routingOf } from "./routing.js";

const root = mkdtempSync(join(tmpdir(), "tallship-objections-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const site = { dir: join(root, "run"), addresses: ["127.0.0.1"], httpPort: 1, httpsPort: 2, maxConnections: 10 };
const proxy = haproxy({ site, accessLog: join(root, "log"), clock: systemClock });

async function objectionTo(test: TestIngress): Promise<string | undefined> {
  const dir = join(root, "trial");
  const routing = routingOf([ingressOf(test)]);
  const slots = new Map(routing.backends.map(({ id }) => [id, [undefined]] as const));
  return proxy.objection(proxyText({ routing, certificates: new Map(), slots }, { ...site, dir }), dir);
}

const nginx = (annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [`nginx.ingress.kubernetes.io/${name}`, value]),
  );

// What users write, of which each word comes to stand in the configuration; the last of a row's paths is a regular expression.
const taken: readonly Readonly<Record<string, string>>[] = [
  {},
  { "rewrite-target": "/$2/it's%[src]#" },
  { "proxy-read-timeout": "31536000", "proxy-send-timeout": "1s", "proxy-connect-timeout": "999999999" },
  { "proxy-body-size": "99999999999999999999g" },
  { "allowlist-source-range": "10.0.0.7/8, 2001:db8::/32, 192.0.2.1", "denylist-source-range": "300.1.1.1" },
  { "backend-protocol": "GRPCS", affinity: "cookie", "session-cookie-name": "a-b_c" },
  { "enable-cors": "true", "cors-allow-origin": "https://*.a.example:8443, http://b", "cors-max-age": "5" },
  { "permanent-redirect": "https://x.example/%7e?a=b#c", "app-root": "/a'b", "upstream-vhost": "a:80" },
];
for (const annotations of taken) {
  test(`the proxy takes what annotations ${JSON.stringify(annotations)} come to`, async () => {
    const rules = { "a.example": { "/": "web:80", "=/x": "web:80", "~/api(/|$)(.*)": "web:80" } };
    expect(await objectionTo({ annotations: nginx(annotations), rules })).toBeUndefined();
  });
}

test("an expression that is none for the proxy is told in words that can be shown, and nothing is left of the trial", async () => {
  const annotations = nginx({ "use-regex": "true" });
  const why = await objectionTo({ annotations, rules: { "a.example": { "~/(?<=a+)b": "web:80" } } });
  expect(why).toContain("lookbehind");
  expect(why).not.toContain(root);
  expect(readdirSync(root)).not.toContain("trial");
});
