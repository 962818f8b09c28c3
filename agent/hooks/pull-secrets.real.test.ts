import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { LOGIN_SECRET } from "../../kinds/login-secret.js";
import { silentLog } from "../../lib/log.js";
import { systemClock } from "../../lib/system-clock.js";
import { systemRng } from "../../lib/system-rng.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type DockerRegistry, startDockerRegistry } from "../../test/kit/docker-registry.js";
import { buildImage } from "../../test/kit/image-builder.js";
import { layerOf } from "../../test/kit/image-world.js";
import { pushImage } from "../../test/kit/registry-push.js";
import { type CreatedImages, createImages } from "../image/create-images.js";
import { NO_FACTS } from "../pod-turn.js";
import { imageHook } from "./image.js";

// A registry that wants a user gives an image to pods that name a secret with one, and to those of a namespace that has logged in.

let locked: DockerRegistry;
let node: CreatedImages;
let folder: string;
const secrets = new Map<string, Uint8Array>();

beforeAll(async () => {
  // bcrypt of "secret".
  locked = await startDockerRegistry({
    htpasswd: "ann:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n",
  });
  folder = mkdtempSync(join(tmpdir(), "tallship-pulls-"));
  node = createImages({ dataDir: folder, clock: systemClock, rng: systemRng, log: silentLog });
  const authorization = `Basic ${Buffer.from("ann:secret").toString("base64")}`;
  for (const repository of ["one", "two"]) {
    const image = buildImage({ layers: [layerOf(repository)], architecture: "amd64", config: {} });
    await pushImage(image, { origin: locked.origin, repository, tag: "1", authorization });
  }
});
afterAll(async () => {
  await node?.close();
  await locked?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const login = (password: string): Uint8Array =>
  Buffer.from(JSON.stringify({ auths: { [locked.host]: { username: "ann", password } } }));

async function start(repository: string, ...pullSecrets: readonly string[]): Promise<string | undefined> {
  const hook = imageHook(
    node.images,
    {
      get: async (_kind, { name }) => {
        const config = secrets.get(name);
        return config && { revision: 1, values: { ".dockerconfigjson": config } };
      },
    },
    { specOf: () => undefined, onPull: () => undefined },
  );
  const pod = Pod.fromPartial({
    metadata: { uid: repository, name: repository, namespace: "default" },
    spec: {
      imagePullSecrets: pullSecrets.map((name) => ({ name })),
      containers: [{ name: "main", image: `${locked.host}/${repository}:1` }],
    },
  });
  const { images } = await hook.up({ uid: repository, pod, facts: NO_FACTS }, new AbortController().signal);
  return images?.get("main")?.reference;
}

test("who names no secret, or one with a wrong password, is refused and told what to do", async () => {
  secrets.set("wrong", login("guessed"));
  for (const names of [[], ["wrong"]])
    await expect(start("one", ...names)).rejects.toMatchObject({ code: "image_unauthorized" });
});

test("who names a secret with the right one gets the image", async () => {
  secrets.set("right", login("secret"));
  expect(await start("one", "right")).toContain("/one:1");
});

test("who names none gets it where the namespace has logged in", async () => {
  secrets.set(LOGIN_SECRET, login("secret"));
  expect(await start("two")).toContain("/two:1");
});
