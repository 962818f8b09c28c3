import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { authorizeCalls } from "../controlplane/api/authorize.js";
import { formatContextFile } from "../lib/context-file.js";
import { silentLog } from "../lib/log.js";
import { systemClock } from "../lib/system-clock.js";
import { mutableCredentials } from "../lib/transport/credentials.js";
import { startGrpcServer } from "../lib/transport/grpc-server.js";
import { bind, type TransportServer } from "../lib/transport/service.js";
import { ObjectsDefinition } from "../proto/gen/tallship/v1/api.js";
import { ExecOutput, LogsChunk, StreamsDefinition } from "../proto/gen/tallship/v1/streams.js";
import { type ApiBench, openApiBench } from "../test/kit/api-bench.js";
import { type BundledProgram, bundleProgram } from "../test/kit/bundle.js";
import { NO_STREAMS } from "../test/kit/no-streams.js";
import { testAuthority, testCredentials } from "../test/kit/test-authority.js";
import { objectOf, podText } from "../test/kit/tsctl-steps.js";

// tsctl as users run it: a process with pipes, signals and a terminal, over mTLS.

const folder = mkdtempSync(join(tmpdir(), "tallship-tsctl-"));
const configPath = join(folder, "config");
let program: BundledProgram;
let api: ApiBench;
let server: TransportServer;

beforeAll(async () => {
  program = await bundleProgram('import "./bin/tsctl.ts";');
  api = await openApiBench();
  await api.create(objectOf(podText("web-0")));
  const authority = testAuthority();
  server = await startGrpcServer({
    bindings: [
      bind(ObjectsDefinition, api.api, authorizeCalls("Objects")),
      bind(StreamsDefinition, { ...NO_STREAMS, logs, exec }, authorizeCalls("Streams")),
    ],
    host: "127.0.0.1",
    port: 0,
    credentials: mutableCredentials(testCredentials(authority, "a", "control-plane")),
    clientCertificates: "required",
    clock: systemClock,
    log: silentLog,
  });
  const { caPem, pair } = testCredentials(authority, "ann", "admin");
  const context = {
    name: "test",
    servers: [`127.0.0.1:${server.port}`],
    ca: caPem,
    cert: pair?.certificatePem ?? "",
    key: pair?.keyPem ?? "",
  };
  writeFileSync(configPath, formatContextFile({ current: "test", contexts: [context] }));
});

afterAll(async () => {
  await server.close(0);
  api.close();
  rmSync(folder, { recursive: true, force: true });
  rmSync(program.folder, { recursive: true, force: true });
});

/** Far more than a pipe holds. */
async function* logs(): AsyncGenerator<LogsChunk> {
  for (let chunk = 0; chunk < 2_000; chunk += 1)
    yield LogsChunk.fromPartial({ bytes: Buffer.from(`${"x".repeat(1_023)}\n`) });
}

/** Echoes what it reads until it ends or a q comes; its exit code is 7. */
async function* exec(
  requests: AsyncIterable<import("../proto/gen/tallship/v1/streams.js").ExecInput>,
): AsyncGenerator<ExecOutput> {
  const out = (text: string): ExecOutput =>
    ExecOutput.fromPartial({ part: { $case: "stdout", value: Buffer.from(text) } });
  for await (const { part } of requests) {
    if (part?.$case === "start") yield out(`size ${part.value.size?.width ?? 0}x${part.value.size?.height ?? 0}\r\n`);
    if (part?.$case === "start" && part.value.command[0] === "sleep") await new Promise(() => undefined);
    if (part?.$case === "stdin") yield out(`read ${JSON.stringify(part.value.toString())}\r\n`);
    if (part?.$case === "stdinClosed" || (part?.$case === "stdin" && part.value.includes("q"))) break;
  }
  yield ExecOutput.fromPartial({ part: { $case: "exitCode", value: 7 } });
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a shell line in which $tsctl is the program. `onOutput` may act on what has come so far. */
function shell(line: string, onOutput?: (out: string, child: ReturnType<typeof spawn>) => void): Promise<Ended> {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const child = spawn("bash", ["-c", line], {
    env: { ...env, TSCTL_CONFIG: configPath, tsctl: `${process.execPath} ${program.path}`, folder },
    detached: true,
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    onOutput?.(out, child);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out, err })));
}

/** Presses Ctrl-C: the whole group gets it. */
function interrupt(child: ReturnType<typeof spawn>): void {
  if (child.pid !== undefined) process.kill(-child.pid, "SIGINT");
}

test("objects come over mTLS, and exit codes are those of the table", async () => {
  expect(await shell("$tsctl get pods -o name")).toEqual({ code: 0, out: "pod/web-0\n", err: "" });
  expect((await shell("$tsctl get pod none")).code).toBe(3);
  expect((await shell("$tsctl get pdo")).code).toBe(2);
});

test("a reader that goes away ends the command in silence", async () => {
  const { out, err } = await shell("set -o pipefail; $tsctl logs web-0 | head -c 5; echo $?");
  expect(out).toBe("xxxxx141\n");
  expect(err).toBe("");
});

test("input is piped through, and the command's exit code is passed on", async () => {
  const { code, out } = await shell("echo hi | $tsctl exec -i web-0 -- cat");
  expect(out).toBe('size 0x0\r\nread "hi\\n"\r\n');
  expect(code).toBe(7);
});

test("an interrupt ends what runs", async () => {
  const watched = await shell("exec $tsctl get pods -w", (out, child) => out.includes("web-0") && interrupt(child));
  expect(watched.code).toBe(130);
  expect(watched.err).toBe("");
  const asleep = await shell(
    "exec $tsctl exec web-0 -- sleep 100",
    (out, child) => out.includes("size") && interrupt(child),
  );
  expect(asleep.code).toBe(130);
});

test("in a terminal keys go through raw, and the terminal is as before afterwards", async () => {
  const line = `script -qefc 'stty rows 33 cols 111; $tsctl exec -it web-0 -- sh; echo code $?; stty -a | grep -o " -\\?icanon"' /dev/null`;
  const { out } = await shell(line, (sofar, child) => {
    if (sofar.includes("size") && !sofar.includes("read")) child.stdin?.write("\u0003q");
  });
  expect(out).toContain("size 111x33");
  // Ctrl-C is a key of the command's, not an interrupt.
  expect(out).toMatch(/read "\\u0003q?"/);
  expect(out).toContain("code 7");
  expect(out).toMatch(/ icanon/);
});

test("a file that is too large is refused unread", async () => {
  const path = join(folder, "huge.yaml");
  writeFileSync(path, "");
  truncateSync(path, 50_000_000);
  const { code, err } = await shell(`$tsctl apply -f ${path}`);
  expect(err).toBe(`error: read ${path}: 50000000 bytes, at most 33554432 are read; split it into several files\n`);
  expect(code).toBe(6);
});

test("bash completes verbs, types and names", async () => {
  mkdirSync(join(folder, "bin"), { recursive: true });
  writeFileSync(join(folder, "bin/tsctl"), `#!/bin/sh\nexec ${process.execPath} ${program.path} "$@"\n`, {
    mode: 0o755,
  });
  const complete = (line: string): string =>
    `PATH=$folder/bin:$PATH; source <(tsctl completion bash); COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; _tsctl 2>/dev/null; echo "\${COMPREPLY[@]}"`;
  expect((await shell(complete("tsctl des"))).out).toBe("describe\n");
  expect((await shell(complete("tsctl get depl"))).out).toBe("deployments\n");
  expect((await shell(complete("tsctl logs we"))).out).toBe("web-0\n");
  expect((await shell(complete("tsctl get pods -o y"))).out).toBe("yaml\n");
  expect((await shell(complete("tsctl rollout st"))).out).toBe("status\n");
  expect((await shell(complete("tsctl get --output=y"))).out).toBe("yaml\n");
});
