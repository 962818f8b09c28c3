import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { busyboxImage } from "../kit/busybox-image.js";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { startCluster } from "./cluster.js";

let testbed: Testbed;
const folder = mkdtempSync(join(tmpdir(), "build-"));

const DOCKERFILE = `ARG BASE=3.8
# What a person writes first.
FROM python:\${BASE}-slim
WORKDIR /app
COPY . /app
RUN ./pip install model.whl
EXPOSE 80
ENV GREETING="Hello World"
CMD ["serve"]
`;

beforeAll(async () => {
  testbed = await startCluster("build", { hostCount: 2 });
  await testbed.pushImage(busyboxImage(), "python:3.8-slim");
  const context = join(folder, "model");
  mkdirSync(context);
  writeFileSync(join(context, "Dockerfile"), DOCKERFILE);
  writeFileSync(join(context, "pip"), '#!/bin/sh\necho "Successfully installed $2" && cp "$2" /installed\n');
  chmodSync(join(context, "pip"), 0o755);
  writeFileSync(join(context, "model.whl"), "weights");
  writeFileSync(join(context, "secrets.env"), "left out");
  writeFileSync(join(context, ".dockerignore"), "*.env\n");
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await testbed?.down();
});

const tsctl = (...words: string[]): Promise<string> => testbed.tsctl(words);

test("the classic walk: build, run, open the port, ps, logs, stop, rm", async () => {
  const context = join(folder, "model");
  const built = await tsctl("build", "-t", "my-ai-model", context);
  expect(built).toContain("Successfully installed model.whl\n");
  expect(built).toMatch(/\nSuccessfully tagged my-ai-model:latest\n$/);
  const container = (await tsctl("run", "-d", "-p", "4000:80", "--name", "model", "my-ai-model")).trim();
  const [host] = testbed.layout.hosts;
  const answer = await waitFor("an answer on port 4000", async () => {
    const { stdout } = await testbed.exec("host1", ["curl", "-s", "-m", "2", `http://${host?.address}:4000/`]);
    return stdout === "" ? undefined : stdout;
  });
  expect(answer).toContain("Hello World from");
  expect(await tsctl("exec", container, "ls", "/app", "/installed")).not.toContain("secrets.env");
  expect(await tsctl("ps")).toContain("my-ai-model");
  await expect.poll(() => tsctl("logs", container)).toContain("listening on port 80");
  expect(await tsctl("images")).toMatch(/^my-ai-model +latest /m);
  await tsctl("stop", "-t", "1", container);
  await tsctl("rm", container);
  expect(await tsctl("ps", "-aq")).toBe("");
});

test("FROM finds images of the cluster; a build from standard input, quiet, with several names", async () => {
  const input = "FROM my-ai-model\nRUN cat /installed > /again\n";
  const quiet = await testbed.tryTsctl(["build", "-q", "-t", "second:1", "-t", "reg.example/second:2", "-"], { input });
  expect(quiet).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/) });
  expect(await tsctl("run", "--rm", "reg.example/second:2", "cat", "/again")).toBe("weights");
});

test("compose up builds what the cluster has no image of, and with --build anew", async () => {
  const file = join(folder, "compose.yaml");
  const service = "build: {context: ./model, args: {BASE: '3.8'}}\n    environment: {GREETING: Composed}";
  writeFileSync(file, `name: shop\nservices:\n  web:\n    ${service}\n`);
  const compose = (...words: string[]) => testbed.tryTsctl(["compose", "-f", file, ...words]);
  const up = await compose("up", "--wait");
  expect(up).toMatchObject({ exitCode: 0, stderr: expect.stringContaining("Successfully tagged shop-web:latest") });
  expect((await compose("up", "-d")).stderr).not.toContain("Successfully tagged");
  expect((await compose("up", "-d", "--build")).stderr).toContain("Successfully tagged");
  expect((await compose("build", "-q", "web")).stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  expect((await compose("down")).exitCode).toBe(0);
});

test("a step that fails gives its line and an exit code, also when it was to be quiet", async () => {
  const failed = await testbed.tryTsctl(["build", "-q", "-t", "broken", "-"], {
    input: "FROM my-ai-model\nRUN echo told; exit 3\n",
  });
  expect(failed).toMatchObject({ exitCode: 1, stdout: "" });
  expect(failed.stderr).toContain("told\n");
  expect(failed.stderr).toContain("exit status 3");
  const elsewhere = await testbed.tryTsctl(["build", "-t", "x", "https://github.com/a/b.git"]);
  expect(elsewhere.stderr).toContain("clone or unpack it here");
  expect(await tsctl("rmi", "my-ai-model", "second:1", "reg.example/second:2", "shop-web")).toContain("my-ai-model");
  await expect.poll(() => tsctl("images", "-q")).toBe("");
});
