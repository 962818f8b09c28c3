import { describe, expect, test } from "vitest";
import { ingressOf, type TestIngress } from "../../test/kit/ingress-world.js";
import { proxyText } from "./proxy-text.js";
import { routingOf } from "./routing.js";

const site = { dir: "/run/i", addresses: ["*"], httpPort: 80, httpsPort: 443, maxConnections: 100 };
const nginx = (name: string): string => `nginx.ingress.kubernetes.io/${name}`;

function routes(...tests: readonly TestIngress[]) {
  const { zones, exact, prefixes, patterns, problems } = routingOf(tests.map(ingressOf));
  return {
    zones: [...zones],
    exact: Object.fromEntries(exact),
    prefixes: Object.fromEntries(prefixes),
    patterns: patterns.map(({ zone, pattern }) => `${zone}${pattern}`),
    problems: problems.map(({ why }) => why),
  };
}

/** The rules of the only backend, without what every backend has. */
function rulesOf(annotations: Readonly<Record<string, string>>, path = "/"): readonly string[] {
  const routing = routingOf([ingressOf({ annotations, rules: { "a.example": { [path]: "web:80" } } })]);
  const { config } = proxyText({ routing, certificates: new Map(), slots: new Map() }, site);
  const plain = new Set(["balance random", "option redispatch 1", "retries 2", "retry-on conn-failure empty-response"]);
  const backend = config
    .slice(config.indexOf("\nbackend "))
    .split("\n")
    .slice(2)
    .map((line) => line.trim());
  return backend.filter(
    (line) =>
      line !== "" && !plain.has(line) && !/disable-l7-retry|timeout (connect 5|server 60)s|certified/.test(line),
  );
}

describe("routes", () => {
  test("hosts, exact paths and prefixes by path elements; names of ports and numbers are told apart", () => {
    expect(
      routes({
        rules: {
          "Shop.Example": { "/": "web:80", "/cart/": "cart:http", "=/health": "web:80" },
          "*.example": { "/": "any:80" },
          "": { "/api": "api:80" },
        },
      }),
    ).toEqual({
      zones: ["shop.example", "*.example", "_"],
      exact: { "shop.example/health": "shop_web_80" },
      prefixes: {
        "shop.example/": "shop_web_80",
        "shop.example/cart/": "shop_cart_http",
        "*.example/": "shop_any_80",
        "_/api/": "shop_api_80",
      },
      patterns: [],
      problems: [],
    });
  });

  test("where two claim a path the older one has it, whatever order they come in", () => {
    const old: TestIngress = { name: "old", createdAt: "2026-01-01T00:00:00Z", rules: { h: { "/": "old:80" } } };
    const young: TestIngress = { name: "a", createdAt: "2026-01-02T00:00:00Z", rules: { h: { "/": "young:80" } } };
    expect(routes(young, old).prefixes).toEqual({ "h/": "shop_old_80" });
    expect(routes(old, young).prefixes).toEqual({ "h/": "shop_old_80" });
  });

  test("a default backend takes what no path of its hosts takes; without rules, what nobody takes", () => {
    expect(routes({ rules: { h: { "/api": "api:80" } }, defaultBackend: "rest:80" }).prefixes).toEqual({
      "h/api/": "shop_api_80",
      "h/": "shop_rest_80",
    });
    expect(routes({ defaultBackend: "rest:80" }).prefixes).toEqual({ "_/": "shop_rest_80" });
  });

  test("expressions are tried by length, and one that is none is told", () => {
    const annotations = { [nginx("use-regex")]: "true" };
    const found = routes({ annotations, rules: { h: { "~/a": "a:80", "~/a/.*": "b:80", "~/(": "c:80" } } });
    expect(found.patterns).toEqual(["h/a/.*", "h/a"]);
    expect(found.problems).toEqual(['path "/(": no regular expression']);
  });

  test("a path that no request can have, and a backend that is no service, are told", () => {
    const { problems } = routes({ rules: { h: { "/a b\nc": "a:80" } } });
    expect(problems).toEqual(['path "/a b\\nc": no request has such a path']);
  });
});

describe("annotations become rules", () => {
  test.each<readonly [string, Record<string, string>, string, readonly string[]]>([
    ["rewrite", { "rewrite-target": "/new" }, "/old", ["http-request set-path '/new'"]],
    [
      "rewrite by groups",
      { "rewrite-target": "/$2", "use-regex": "true" },
      "~/api(/|$)(.*)",
      ["http-request replace-path '(?i)^/api(/|$)(.*)' '/\\2'"],
    ],
    [
      "body size",
      { "proxy-body-size": "8m" },
      "/",
      ["http-request deny deny_status 413 if { req.body_size gt 8388608 }"],
    ],
    [
      "timeouts",
      { "proxy-read-timeout": "7200", "proxy-connect-timeout": "9" },
      "/",
      ["timeout connect 9s", "timeout server 7200s", "timeout tunnel 7200s"],
    ],
    [
      "clients",
      { "whitelist-source-range": "10.0.0.0/8, 192.0.2.1" },
      "/",
      ["http-request deny deny_status 403 unless { src 10.0.0.0/8 192.0.2.1 }"],
    ],
    [
      "a fixed redirect",
      { "permanent-redirect": "https://x.example/%7e" },
      "/",
      ["http-request redirect location 'https://x.example/%%7e' code 301"],
    ],
    [
      "bounds beyond what the proxy counts",
      { "proxy-read-timeout": "31536000", "proxy-body-size": "1.5" },
      "/",
      [
        "timeout server 2147483s",
        "timeout tunnel 2147483s",
        "http-request deny deny_status 413 if { req.body_size gt 2 }",
      ],
    ],
    ["addresses that are none", { "denylist-source-range": "10.0.0.0/33" }, "/", ["http-request deny deny_status 403"]],
    ["passwords, which nothing here asks for", { "auth-type": "basic" }, "/", ["http-request deny deny_status 403"]],
    ["certificates of clients", { "auth-tls-secret": "ca" }, "/", ["http-request deny deny_status 403"]],
    ["certificates that nobody needs", { "auth-tls-secret": "ca", "auth-tls-verify-client": "optional" }, "/", []],
    ["a root", { "app-root": "/it's" }, "/", ["http-request redirect location '/it'\\''s' code 302 if { path / }"]],
    ["a host", { "upstream-vhost": "in.example" }, "/", ["http-request set-header Host 'in.example'"]],
  ])("%s", (_name, annotations, path, rules) => {
    const named = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [nginx(name), value]));
    expect(rulesOf(named, path)).toEqual(rules);
  });

  test("what would break out of its line, or means nothing, counts as absent and is told", () => {
    const bad = {
      "rewrite-target": "/x\n  http-request deny",
      "whitelist-source-range": "all",
      "proxy-body-size": "much",
      "upstream-vhost": "a b",
      "proxy-read-timeout": "-1",
    };
    const annotations = Object.fromEntries(Object.entries(bad).map(([name, value]) => [nginx(name), value]));
    // Of whom to let in nobody knows what it means: nobody is.
    expect(rulesOf(annotations)).toEqual(["http-request deny deny_status 403"]);
    expect(routes({ annotations, rules: { h: { "/": "a:80" } } }).problems).toHaveLength(5);
  });
});
