import { expect, test } from "vitest";
import { TallshipError } from "../../lib/errors.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { folderImages } from "../../test/kit/folder-images.js";
import type { ConfigSource } from "../config-source.js";
import type { ImageRequest, Images } from "../image/images.js";
import { NO_FACTS } from "../pod-turn.js";
import { configHook, configReferences } from "./config.js";
import { imageHook, pullPolicy } from "./image.js";

type Spec = NonNullable<Parameters<typeof Pod.fromPartial>[0]["spec"]>;
const pod = (spec: Spec): Pod => Pod.fromPartial({ metadata: { uid: "u1", name: "web", namespace: "shop" }, spec });
const input = (spec: Spec) => ({ uid: "u1", pod: pod(spec), facts: NO_FACTS });
const { signal } = new AbortController();

// reference, policy asked, policy that holds
const policies = [
  ["web", "", "Always"],
  ["web:latest", "", "Always"],
  ["web:1.2", "", "IfNotPresent"],
  ["host:5000/web", "", "Always"],
  ["host:5000/web:1", "", "IfNotPresent"],
  [`web@sha256:${"0".repeat(64)}`, "", "IfNotPresent"],
  ["web", "Never", "Never"],
  ["web:1", "Always", "Always"],
] as const;

for (const [reference, asked, want] of policies) {
  test(`pull policy of ${reference.slice(0, 20)} with "${asked}" is ${want}`, () => {
    expect(pullPolicy(reference, asked)).toBe(want);
  });
}

test("an image that must be here and is not is refused without a pull", async () => {
  const hook = imageHook(
    folderImages("/image"),
    { get: async () => undefined },
    {
      specOf: () => undefined,
      onPull: () => undefined,
    },
  );
  const containers = [{ name: "web", image: "missing", imagePullPolicy: "Never" }];
  await expect(hook.up(input({ containers }), signal)).rejects.toMatchObject({ code: "failed_precondition" });
});

const everySource: Spec = {
  volumes: [
    { name: "a", configMap: { name: "files" } },
    { name: "b", secret: { secretName: "certificate", optional: true } },
  ],
  containers: [
    {
      name: "web",
      envFrom: [{ prefix: "", configMapRef: { name: "env", optional: true } }],
      env: [
        { name: "A", valueFrom: { configMapKeyRef: { name: "env", key: "a" } } },
        { name: "B", valueFrom: { secretKeyRef: { name: "token", key: "b" } } },
      ],
    },
  ],
};

test("every config that a pod names is found once, and is optional only where every use is", () => {
  expect(configReferences(pod(everySource))).toEqual([
    { kind: "ConfigMap", name: "env", optional: false },
    { kind: "Secret", name: "token", optional: false },
    { kind: "ConfigMap", name: "files", optional: false },
    { kind: "Secret", name: "certificate", optional: true },
  ]);
});

const content = { revision: 3, values: { a: Buffer.from("1") } };

test("what exists is read, what is optional may be missing, what is not is told by name", async () => {
  const has = (names: readonly string[]): ConfigSource => ({
    get: async (_kind, { name }) => (names.includes(name) ? content : undefined),
  });
  const found = await configHook(has(["env", "token", "files"])).up(input(everySource), signal);
  expect(found.configs?.secrets).toEqual({ token: content, certificate: undefined });
  const failure = configHook(has(["env", "files"])).up(input(everySource), signal);
  await expect(failure).rejects.toMatchObject({ code: "config_missing", message: "Secret token does not exist" });
});

test("without a control plane what the pod had before stands in, and without that the pod waits", async () => {
  const away: ConfigSource = {
    get: async () => {
      throw new TallshipError("unavailable", "no control plane");
    },
  };
  const configs = { configMaps: { env: content, files: content }, secrets: { token: content } };
  const hook = configHook(away);
  const spec = { uid: "u1", pod: pod(everySource) };
  expect(await hook.up({ ...spec, facts: { ...NO_FACTS, configs } }, signal)).toEqual({ configs });
  await expect(hook.up({ ...spec, facts: NO_FACTS }, signal)).rejects.toMatchObject({ code: "unavailable" });
});

test("secrets are read once, and only when something is to be pulled; the namespace's login comes after the pod's own", async () => {
  const asked: string[] = [];
  const login = (username: string) => ({
    ".dockerconfigjson": Buffer.from(JSON.stringify({ auths: { "reg.example": { username, password: "x" } } })),
  });
  const configs: ConfigSource = {
    get: async (_kind, { name }) => {
      asked.push(name);
      return { values: login(name), revision: 1 };
    },
  };
  const pulled: ImageRequest[] = [];
  const images: Images = {
    ...folderImages("/image"),
    ensure: async (request) => {
      pulled.push(request);
      throw new TallshipError("image_not_found", "none");
    },
  };
  const hook = imageHook(images, configs, { specOf: () => undefined, onPull: () => undefined });
  await hook.up(input({ containers: [{ name: "web", image: "here:1" }] }), signal);
  expect(asked).toEqual([]);
  const containers = [
    { name: "a", image: "missing" },
    { name: "b", image: "missing" },
  ];
  await expect(hook.up(input({ containers, imagePullSecrets: [{ name: "own" }] }), signal)).rejects.toThrow("none");
  expect(asked).toEqual(["own", "registry-login"]);
  expect(pulled[0]?.credentials).toEqual({ "reg.example": { username: "own", password: "x" } });
});

test("while no control plane is reached an image is pulled without the secrets that cannot be read", async () => {
  const pulled: ImageRequest[] = [];
  const images: Pick<Images, "lookup" | "ensure"> = {
    lookup: () => undefined,
    ensure: async (request) => {
      pulled.push(request);
      throw new TallshipError("unavailable", "none");
    },
  };
  const away: ConfigSource = { get: () => Promise.reject(new TallshipError("unavailable", "away")) };
  const hook = imageHook({ ...folderImages("/image"), ...images }, away, {
    specOf: () => undefined,
    onPull: () => undefined,
  });
  await expect(hook.up(input({ containers: [{ name: "web", image: "web:1" }] }), signal)).rejects.toThrow("none");
  expect(pulled).toMatchObject([{ reference: "web:1", credentials: {} }]);
});
