import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { waitFor } from "../kit/wait.js";
import type { Testbed } from "../testbed/testbed.js";
import { pod, remains, startCluster } from "./cluster.js";

let testbed: Testbed;
const folder = mkdtempSync(join(tmpdir(), "docker-verbs-"));
const IMAGE = "tallship/hello:1";
const HOSTS = ["host1", "host2", "host3"];

beforeAll(async () => {
  testbed = await startCluster("docker", { hostCount: 3 });
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await testbed?.down();
});

const tsctl = (...words: string[]): Promise<string> => testbed.tsctl(words);
const trial = (words: readonly string[], input?: string) =>
  testbed.tryTsctl(words, input === undefined ? {} : { input });

test("run in the foreground: output, input, exit code and removal, and Docker's codes for what does not start", async () => {
  expect(await tsctl("run", "--rm", IMAGE, "echo", "hi", "there")).toBe("hi there\n");
  const failed = await trial(["run", "--rm", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 7"]);
  expect(failed).toMatchObject({ exitCode: 7, stdout: "out\n", stderr: "err\n" });
  expect(await trial(["run", "-i", "--rm", IMAGE, "cat"], "through\nno end")).toMatchObject({
    exitCode: 0,
    stdout: "through\nno end",
  });
  expect((await trial(["run", IMAGE, "no-such-command"])).exitCode).toBe(127);
  expect((await trial(["run", "none/none:1", "true"])).exitCode).toBe(125);
  expect(await tsctl("ps", "-aq")).toBe("");
});

test("the walk: run, reach it at every node's port, ps, logs, exec, stop, start with what it wrote, kill, rm", async () => {
  expect(await tsctl("run", "-d", "--name", "web", "-p", "4000:8080", "-v", "data:/data", IMAGE)).toBe("web\n");
  const addresses = JSON.parse(await tsctl("get", "nodes", "-o", "json")).items.map(
    ({ status }: { status: { addresses: { type: string; address: string }[] } }) =>
      status.addresses.find(({ type }) => type === "InternalIP")?.address,
  );
  expect(addresses).toHaveLength(HOSTS.length);
  for (const address of addresses)
    await waitFor(`port 4000 of ${address}`, async () => {
      const { stdout } = await testbed.exec("host2", ["curl", "-s", "-m", "2", `http://${address}:4000/`]);
      return stdout.includes("web");
    });
  expect(await tsctl("ps")).toMatch(
    /^[0-9a-f]{12} +tallship\/hello:1 +"\/bin\/serve" .* Up \d+s +0\.0\.0\.0:4000->8080\/tcp +host\d +web$/m,
  );
  const id = (await tsctl("ps", "-q")).trim();
  expect(await tsctl("port", id)).toBe("8080/tcp -> 0.0.0.0:4000\n");
  await expect.poll(() => tsctl("logs", "web")).toContain("listening");
  await tsctl("exec", "web", "sh", "-c", "echo own > /own; echo lasting > /data/file");
  expect(await tsctl("stop", "-t", "2", "web")).toBe("web\n");
  expect(await tsctl("ps", "-a", "--filter", "status=exited")).toMatch(/Exited \(\d+\) \d+s ago .* web$/m);
  expect((await trial(["exec", "web", "true"])).exitCode).not.toBe(0);
  await tsctl("start", "web");
  expect(await tsctl("exec", "web", "cat", "/own", "/data/file")).toBe("own\nlasting\n");
  await tsctl("restart", id);
  expect(await tsctl("exec", "web", "cat", "/own")).toBe("own\n");
  expect(await tsctl("inspect", "-f", "{{.State.Running}} {{.Config.Image}}", "web")).toBe(`true ${IMAGE}\n`);
  await tsctl("kill", "web");
  expect(await tsctl("inspect", "-f", "{{.State.ExitCode}}", "web")).toBe("137\n");
  await tsctl("rm", "web");
  expect(await pod(testbed, "web")).toBeUndefined();
});

test("a stopped container stays stopped over the death of its node's agent, and a name or port is taken once", async () => {
  await tsctl("run", "-d", "--name", "one", "-p", "4001:8080", "--restart", "always", IMAGE);
  const node = (await pod(testbed, "one"))?.spec.nodeName ?? "";
  const taken = await trial(["run", "-d", "--name", "one", IMAGE]);
  expect(taken).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('the name "one" is in use') });
  const clash = await trial(["run", "-d", "--name", "two", "-p", "4001:8080", IMAGE]);
  expect(clash.stderr).toContain("4001");
  expect(await pod(testbed, "two")).toBeUndefined();
  await tsctl("stop", "-t", "1", "one");
  await testbed.process(node, "agent", "kill");
  await waitFor("the agent", async () => (await trial(["run", "--rm", "--node", node, IMAGE, "true"])).exitCode === 0);
  expect(await tsctl("inspect", "-f", "{{.State.Running}}", "one")).toBe("false\n");
  await tsctl("start", "one");
  await tsctl("rm", "-f", "one");
});

test("a paused container stands still over its agent's death, says so, and a drain ends it as any other", async () => {
  await tsctl("run", "-d", "--name", "still", "-p", "4002:8080", IMAGE);
  const node = (await pod(testbed, "still"))?.spec.nodeName ?? "";
  expect(await tsctl("pause", "still")).toBe("still\n");
  expect(await tsctl("ps")).toMatch(/ Up \S+ \(Paused\) .* still$/m);
  expect(await trial(["exec", "still", "true"])).toMatchObject({ stderr: expect.stringContaining("paused") });
  await testbed.process(node, "agent", "kill");
  await waitFor("the agent", async () => (await trial(["run", "--rm", "--node", node, IMAGE, "true"])).exitCode === 0);
  expect(await tsctl("inspect", "-f", "{{.State.Paused}},{{.RestartCount}}", "still")).toBe("true,0\n");
  await tsctl("unpause", "still");
  await waitFor("an answer", async () =>
    (await tsctl("exec", "still", "fetch", "localhost", "8080")).includes("still"),
  );
  await tsctl("pause", "still");
  expect(await tsctl("stop", "-t", "20", "still")).toBe("still\n");
  // It heeded the signal.
  expect(await tsctl("inspect", "-f", "{{.State.ExitCode}}", "still")).not.toBe("137\n");
  await tsctl("start", "still");
  await tsctl("pause", "still");
  await tsctl("drain", node, "--force", "--ignore-daemonsets");
  expect(await pod(testbed, "still")).toBeUndefined();
  await tsctl("uncordon", node);
});

test("cp goes both ways, and port-forward outlives a restart", async () => {
  await tsctl("run", "-d", "--name", "files", IMAGE);
  mkdirSync(join(folder, "site/sub"), { recursive: true });
  writeFileSync(join(folder, "site/sub/page"), "hello");
  await tsctl("cp", join(folder, "site"), "files:/srv");
  expect(await tsctl("exec", "files", "cat", "/srv/sub/page")).toBe("hello");
  await tsctl("cp", "files:/srv/.", join(folder, "back"));
  expect(readFileSync(join(folder, "back/sub/page"), "utf8")).toBe("hello");
  await tsctl("exec", "files", "ln", "-s", "/etc/shadow", "/srv/out");
  await tsctl("cp", "files:/srv/out", join(folder, "link"));
  expect(existsSync(join(folder, "link/shadow"))).toBe(false);
  const over = new AbortController();
  const forwarding = testbed.tryTsctl(["port-forward", "files", "18471:8080"], { signal: over.signal });
  const visit = async (): Promise<boolean> => {
    const answer = await fetch("http://127.0.0.1:18471/").catch(() => undefined);
    return (await answer?.text())?.includes("files") === true;
  };
  await waitFor("an answer", visit);
  await tsctl("restart", "-t", "1", "files");
  await waitFor("an answer after the restart", visit);
  over.abort();
  await forwarding;
  await tsctl("rm", "-f", "files");
});

test("stats tells of containers on every node, top of the processes of one", async () => {
  for (const host of HOSTS) await tsctl("run", "-d", "--name", `on-${host}`, "--node", host, "-m", "64m", IMAGE);
  for (const host of HOSTS)
    await expect.poll(() => tsctl("stats", "--no-stream")).toMatch(new RegExp(`on-${host} .*/ 64MiB .* ${host}$`, "m"));
  // Its shell starts it a moment after the container has begun.
  await expect.poll(() => tsctl("top", "on-host1")).toContain("httpd");
  await tsctl("rm", "-f", ...HOSTS.map((host) => `on-${host}`));
});

test("logs tell of this run and the one before, of all containers or some lines, and of a pod that is gone", async () => {
  const main =
    "if test -e /kept/x; then echo second; else touch /kept/x; echo first; exit 3; fi; trap 'exit 0' TERM; while :; do sleep 0.1; done";
  const containers = [
    { name: "main", image: IMAGE, command: ["sh", "-c", main], volumeMounts: [{ name: "kept", mountPath: "/kept" }] },
    { name: "side", image: IMAGE, command: ["sh", "-c", "echo one; echo two; sleep 1000"] },
  ];
  const spec = { terminationGracePeriodSeconds: 1, volumes: [{ name: "kept", emptyDir: {} }], containers };
  const wanted = { apiVersion: "v1", kind: "Pod", metadata: { name: "talks", labels: { app: "talks" } }, spec };
  await testbed.tsctl(["apply", "-f", "-"], { input: JSON.stringify(wanted) });
  const logs = async (...words: string[]): Promise<string> => (await trial(["logs", "talks", ...words])).stdout;
  await expect.poll(() => logs("-c", "main")).toBe("second\n");
  await expect.poll(() => logs("-c", "side")).toBe("one\ntwo\n");
  expect(await logs("-c", "main", "--previous")).toBe("first\n");
  expect(await logs("-c", "side", "--tail=1")).toBe("two\n");
  expect(await logs("-c", "side", "--since-time=2099-01-01T00:00:00Z")).toBe("");
  expect(await logs("-c", "side", "--since=1h", "--timestamps")).toMatch(/^\d{4}-\S+T\S+ one\n\d{4}-\S+T\S+ two\n$/);
  const all = await tsctl("logs", "-l", "app=talks", "--all-containers", "--prefix");
  expect(all.split("\n").sort().slice(1)).toEqual([
    "[pod/talks/main] second",
    "[pod/talks/side] one",
    "[pod/talks/side] two",
  ]);
  await tsctl("delete", "pod", "talks");
  expect(await logs("-c", "main")).toContain("second\n");
  expect(await logs("-c", "main", "--previous")).toContain("first\n");
  expect(await logs("--all-containers")).toBe("[pod/talks/main] second\n[pod/talks/side] one\n[pod/talks/side] two\n");
});

test("debug looks at a running pod and at a node", async () => {
  await tsctl("run", "-d", "--name", "looked-at", IMAGE);
  await expect.poll(() => tsctl("top", "looked-at")).toContain("httpd");
  const seen = await trial(["debug", "-i", "looked-at", `--image=${IMAGE}`, "--target=looked-at", "--", "ps"]);
  expect(seen.stdout).toContain("httpd");
  const node = await trial(["debug", "-i", "node/host2", `--image=${IMAGE}`, "--", "cat", "/host/etc/hostname"]);
  expect(node).toMatchObject({ exitCode: 0 });
  const [debugger_ = ""] = (await tsctl("ps", "-a", "--filter", "name=node-debugger")).match(/node-debugger\S+/) ?? [];
  await tsctl("rm", "-f", "looked-at", debugger_);
});

test("run --rm -d goes by itself, and nothing is left on any node", async () => {
  await tsctl("run", "-d", "--rm", "--name", "short", IMAGE, "true");
  await waitFor("it to go", async () => (await pod(testbed, "short")) === undefined);
  for (const host of HOSTS)
    await expect.poll(() => remains(testbed, host)).toEqual({ namespaces: [], mounts: [], cgroups: [], conmons: [] });
});
