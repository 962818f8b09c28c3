import { expect, test } from "vitest";
import { hasCode } from "../../lib/errors.js";
import { Container } from "../../proto/gen/tallship/v1/container.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { Service } from "../../proto/gen/tallship/v1/service.js";
import type { ConfigContent, ConfigValues } from "../config-values.js";
import type { ImageConfig } from "../image/images.js";
import { commandOf } from "./command.js";
import { environment } from "./environment.js";
import { expand } from "./expand.js";

type PartialSpec = NonNullable<Parameters<typeof Pod.fromPartial>[0]["spec"]>;
type PartialContainer = Parameters<typeof Container.fromPartial>[0];
const content = (values: Record<string, string>): ConfigContent => ({
  revision: 1,
  values: Object.fromEntries(Object.entries(values).map(([key, text]) => [key, Buffer.from(text)])),
});
const configs: ConfigValues = {
  configMaps: { app: content({ COLOR: "blue", "not.a-NAME": "kept", "1bad": "left out" }) },
  secrets: { key: content({ TOKEN: "s3cret" }) },
};
const pod = Pod.fromPartial({
  metadata: { name: "web-0", namespace: "shop", uid: "u1", labels: { tier: "front", app: "web" } },
  spec: { nodeName: "node-a" },
});
const place = {
  podIPs: ["10.128.0.2", "fd00:10:128::a80:2"],
  hostIPs: ["172.30.0.11"],
  allocatable: { memory: "1Gi", cpu: "1900m" },
};

function variables(container: PartialContainer, imageEnv: readonly string[] = []): ReadonlyMap<string, string> {
  const of = Container.fromPartial({ name: "web", ...container });
  return environment({ pod, container: of, imageEnv, configs, place, hostname: "web-0", home: "/root", services: [] });
}

test("what is set later replaces what was set earlier: the image, whole configs, single variables", () => {
  const found = variables(
    {
      envFrom: [
        { prefix: "APP_", configMapRef: { name: "app" } },
        { prefix: "", secretRef: { name: "key" } },
      ],
      env: [{ name: "PATH", value: "/own" }],
    },
    ["PATH=/image", "LANG=C"],
  );
  expect([...found]).toEqual([
    ["PATH", "/own"],
    ["HOSTNAME", "web-0"],
    ["HOME", "/root"],
    ["LANG", "C"],
    ["APP_1bad", "left out"],
    ["APP_COLOR", "blue"],
    ["APP_not.a-NAME", "kept"],
    ["TOKEN", "s3cret"],
  ]);
});

const services = [
  Service.fromPartial({
    metadata: { name: "redis-main", namespace: "shop" },
    spec: {
      clusterIP: "10.96.0.11",
      ports: [
        { name: "db", port: 6379, protocol: "TCP" },
        { port: 53, protocol: "UDP" },
      ],
    },
  }),
  Service.fromPartial({ metadata: { name: "headless" }, spec: { clusterIP: "None", ports: [{ port: 1 }] } }),
];

test("services are named as Kubernetes names them, unless the pod does not want that; its own variables win", () => {
  const of = (spec: PartialSpec, env: PartialContainer["env"] = []) => {
    const input = { imageEnv: [], configs, place, hostname: "web-0", home: "/root", services };
    const linked = Pod.fromPartial({ ...pod, spec: { ...pod.spec, ...spec } });
    return environment({ ...input, pod: linked, container: Container.fromPartial({ name: "web", env }) });
  };
  const found = of({}, [
    { name: "URL", value: "$(REDIS_MAIN_PORT)/0" },
    { name: "REDIS_MAIN_SERVICE_PORT", value: "1" },
  ]);
  expect(Object.fromEntries([...found].slice(3))).toEqual({
    REDIS_MAIN_SERVICE_HOST: "10.96.0.11",
    REDIS_MAIN_SERVICE_PORT: "1",
    REDIS_MAIN_SERVICE_PORT_DB: "6379",
    REDIS_MAIN_PORT: "tcp://10.96.0.11:6379",
    REDIS_MAIN_PORT_6379_TCP: "tcp://10.96.0.11:6379",
    REDIS_MAIN_PORT_6379_TCP_PROTO: "tcp",
    REDIS_MAIN_PORT_6379_TCP_PORT: "6379",
    REDIS_MAIN_PORT_6379_TCP_ADDR: "10.96.0.11",
    REDIS_MAIN_PORT_53_UDP: "udp://10.96.0.11:53",
    REDIS_MAIN_PORT_53_UDP_PROTO: "udp",
    REDIS_MAIN_PORT_53_UDP_PORT: "53",
    REDIS_MAIN_PORT_53_UDP_ADDR: "10.96.0.11",
    URL: "tcp://10.96.0.11:6379/0",
  });
  expect([...of({ enableServiceLinks: false }).keys()]).toEqual(["PATH", "HOSTNAME", "HOME"]);
});

// Every source of a single variable.
const single = [
  { name: "a field", from: { fieldRef: { apiVersion: "", fieldPath: "metadata.name" } }, want: "web-0" },
  { name: "the node", from: { fieldRef: { apiVersion: "", fieldPath: "spec.nodeName" } }, want: "node-a" },
  { name: "the address", from: { fieldRef: { apiVersion: "", fieldPath: "status.podIP" } }, want: "10.128.0.2" },
  {
    name: "both addresses",
    from: { fieldRef: { apiVersion: "", fieldPath: "status.podIPs" } },
    want: "10.128.0.2,fd00:10:128::a80:2",
  },
  { name: "one label", from: { fieldRef: { apiVersion: "", fieldPath: "metadata.labels['tier']" } }, want: "front" },
  {
    name: "all labels",
    from: { fieldRef: { apiVersion: "", fieldPath: "metadata.labels" } },
    want: 'app="web"\ntier="front"',
  },
  {
    name: "a limit",
    from: { resourceFieldRef: { containerName: "", resource: "limits.memory", divisor: "1Mi" } },
    want: "64",
  },
  {
    name: "a limit that is not set",
    from: { resourceFieldRef: { containerName: "", resource: "limits.cpu", divisor: "" } },
    want: "2",
  },
  {
    name: "a request in thousandths",
    from: { resourceFieldRef: { containerName: "", resource: "requests.cpu", divisor: "1m" } },
    want: "250",
  },
  { name: "a config", from: { configMapKeyRef: { name: "app", key: "COLOR" } }, want: "blue" },
  { name: "a secret", from: { secretKeyRef: { name: "key", key: "TOKEN" } }, want: "s3cret" },
  {
    name: "an optional key that is not there",
    from: { configMapKeyRef: { name: "app", key: "NONE", optional: true } },
    want: undefined,
  },
  {
    name: "an optional config that is not there",
    from: { configMapKeyRef: { name: "none", key: "X", optional: true } },
    want: undefined,
  },
] as const;

for (const { name, from, want } of single) {
  test(`a variable from ${name}`, () => {
    const resources = { limits: { memory: "64Mi" }, requests: { cpu: "250m" } };
    expect(variables({ resources, env: [{ name: "X", valueFrom: from }] }).get("X")).toBe(want);
  });
}

// What does not exist and is not optional keeps the container from starting, named.
const missing = [
  {
    name: "a config",
    container: { envFrom: [{ prefix: "", configMapRef: { name: "none" } }] },
    says: "ConfigMap none",
  },
  { name: "a secret", container: { envFrom: [{ prefix: "", secretRef: { name: "none" } }] }, says: "Secret none" },
  {
    name: "a key",
    container: { env: [{ name: "X", valueFrom: { secretKeyRef: { name: "key", key: "NO" } } }] },
    says: "no key NO",
  },
] as const;

for (const { name, container, says } of missing) {
  test(`${name} that does not exist is config_missing`, () => {
    const thrown = (() => {
      try {
        return variables(container);
      } catch (error) {
        return error;
      }
    })();
    expect(hasCode(thrown, "config_missing")).toBe(true);
    expect(String(thrown)).toContain(says);
  });
}

test("a variable refers to those before it", () => {
  const env = [
    { name: "A", value: "1" },
    { name: "B", value: "$(A)$(C)" },
    { name: "C", value: "$(B)" },
  ];
  expect([...variables({ env })].slice(-3)).toEqual([
    ["A", "1"],
    ["B", "1$(C)"],
    ["C", "1$(C)"],
  ]);
});

const expansions = [
  ["$(A)", "a"],
  ["x$(A)y$(A)", "xaya"],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$a"],
  ["$(NONE)", "$(NONE)"],
  ["$A $ {A} $", "$A $ {A} $"],
  ["$(A", "$(A"],
] as const;

for (const [text, want] of expansions) {
  test(`${text} becomes ${want}`, () => {
    expect(expand(text, new Map([["A", "a"]]))).toBe(want);
  });
}

const image: ImageConfig = {
  entrypoint: ["/entry"],
  command: ["cmd"],
  env: [],
  workingDir: "",
  user: "",
  stopSignal: "",
  labels: {},
};
// Kubernetes' table of command, args, entrypoint and cmd.
const commands = [
  { name: "neither", own: {}, want: ["/entry", "cmd"] },
  { name: "args", own: { args: ["a"] }, want: ["/entry", "a"] },
  { name: "command", own: { command: ["/own"] }, want: ["/own"] },
  { name: "both, with variables", own: { command: ["/own", "$(A)"], args: ["$(A)"] }, want: ["/own", "a", "a"] },
];

for (const { name, own, want } of commands) {
  test(`what runs with ${name}`, () => {
    expect(commandOf(Container.fromPartial({ name: "web", ...own }), image, new Map([["A", "a"]]))).toEqual(want);
  });
}

test("an image and a container that name nothing to run are refused", () => {
  const empty = { ...image, entrypoint: [], command: [] };
  expect(() => commandOf(Container.fromPartial({ name: "web" }), empty, new Map())).toThrow("web");
});
