import { isIP } from "node:net";
import {
  CLUSTER_OPTIONS,
  clusterOf,
  FOLDER_OPTIONS,
  folderArguments,
  HOST_OPTIONS,
  hostOf,
  pathsOf,
} from "../agent/host/host-options.js";
import type { DaemonProgram } from "../agent/host/supervise.js";
import { COMMIT, VERSION } from "../lib/build-info.js";
import {
  type Command,
  command,
  commandHelp,
  countOption,
  type OptionValues,
  parseCommand,
} from "../lib/command-line.js";
import { asTallshipError, TallshipError } from "../lib/errors.js";
import { type HostConfig, readClusterConfig, readHostConfig } from "../lib/host-config.js";
import type { HostPaths } from "../lib/host-paths.js";
import { hostPort } from "../lib/host-port.js";
import { likelyAddress } from "../lib/host-routes.js";
import { preferThisProcess } from "../lib/process-priority.js";

const DAEMON_OPTIONS = {
  ...FOLDER_OPTIONS,
  "log-level": { type: "string", value: "LEVEL", help: "debug, info, warn or error (info)" },
} as const;

/** Every command. Programs behind them are loaded when they are called, so that none carries another's weight. */
const COMMANDS: Readonly<Record<string, Command>> = {
  init: command({
    summary: "make a new cluster with this host as its first, start it, and print how others join",
    words: [],
    options: {
      ...HOST_OPTIONS,
      ...CLUSTER_OPTIONS,
      uses: { type: "string", value: "N", help: "hosts that may join with the printed token (any number)" },
    },
    run: async (values) => {
      const [host, paths] = [hostOf(values, true), pathsOf(values)];
      const uses = countOption("uses", values.uses, { otherwise: 0, min: 1, max: 100_000 });
      const cluster = clusterOf(values, hostPort(host.advertiseAddress, host.ports.api));
      const { makeCluster } = await import("../controlplane/setup/make-cluster.js");
      const isNew = await makeCluster({ paths, host, cluster });
      await start(host, paths, values);
      const { awaitControlPlane } = await import("../controlplane/setup/await-control-plane.js");
      const token = await awaitControlPlane({ host, paths }, { tokenUses: uses });
      console.log(
        `${isNew ? "cluster made" : "the cluster is here already"}; ${host.name} serves at ${hostPort(host.advertiseAddress, host.ports.api)}`,
      );
      console.log(`tsctl reads ${paths.adminContext} (also ~/.tallship/config)`);
      console.log(`\nother hosts join within the hour with:\n\n  tallshipd join ${token}\n`);
      return 0;
    },
  }),
  join: command({
    summary: "make this host one of a cluster, as what the token says, and start it",
    words: ["TOKEN"],
    options: {
      ...HOST_OPTIONS,
      "control-plane": { type: "boolean", help: "refuse a token that does not make this host a control plane" },
    },
    run: async (values, [token = ""]) => {
      const paths = pathsOf(values);
      const { joinHost } = await import("../agent/host/join.js");
      const { becomeControlPlane } = await import("../controlplane/setup/join-control-plane.js");
      const plan = { paths, token, host: hostOf(values, false), mustBeControlPlane: values["control-plane"] === true };
      const host = await joinHost(plan, becomeControlPlane);
      await start(host, paths, values);
      if (host.isControlPlane) {
        const { awaitControlPlane } = await import("../controlplane/setup/await-control-plane.js");
        await awaitControlPlane({ host, paths });
      }
      console.log(`${host.name} has joined as ${host.isControlPlane ? "a control plane" : "a worker"}`);
      return 0;
    },
  }),
  certificate: command({
    summary: "exchange a token of role admin or metrics for a certificate, in files",
    words: ["TOKEN"],
    options: {
      name: { type: "string", value: "NAME", help: "name the certificate is for (the host name)" },
      out: { type: "string", value: "DIR", help: "folder for ca.crt, client.crt, client.key, and context.yaml (.)" },
    },
    run: async (values, [token = ""]) => {
      const { requestCertificate } = await import("../agent/host/certificate.js");
      console.log(await requestCertificate({ token, name: values.name, folder: values.out ?? "." }));
      return 0;
    },
  }),
  start: command({
    summary: "start this host's daemons that do not run, and keep them running",
    words: [],
    options: FOLDER_OPTIONS,
    run: async (values) => {
      await start(await ownHost(pathsOf(values)), pathsOf(values), values);
      return 0;
    },
  }),
  stop: command({
    summary: "stop this host's daemons; containers run on",
    words: [],
    options: FOLDER_OPTIONS,
    run: async (values) => {
      const { stopHost } = await import("../agent/host/start.js");
      await stopHost(await ownHost(pathsOf(values)), pathsOf(values), programOf(values));
      return 0;
    },
  }),
  reset: command({
    summary: "take this host out of its cluster: stop and remove everything that Tallship made on it",
    words: [],
    options: {
      ...FOLDER_OPTIONS,
      "cgroup-parent": { type: "string", value: "PATH", help: "as the agent was given it" },
      yes: { type: "boolean", help: "do it: containers die, and this host's data is gone" },
    },
    run: async (values) => {
      const paths = pathsOf(values);
      if (values.yes !== true)
        throw new TallshipError(
          "invalid_argument",
          `reset: containers of this host die and ${paths.dataDir} is emptied; say --yes`,
        );
      const { resetHost } = await import("../agent/host/reset.js");
      const { leaveEtcd } = await import("../controlplane/setup/leave.js");
      const plan = { paths, program: programOf(values), cgroupParent: values["cgroup-parent"] ?? "" };
      const { host, problems } = await resetHost(plan, leaveEtcd);
      for (const problem of problems) console.error(`tallshipd: ${problem}`);
      console.log(
        `this host is in no cluster${host === undefined ? "" : `; if its cluster lives on, run there: tsctl delete node ${host.name}`}`,
      );
      return problems.length === 0 ? 0 : 1;
    },
  }),
  readdress: command({
    summary: "tell this host, and its cluster, that a control plane has another address",
    words: [],
    options: {
      ...FOLDER_OPTIONS,
      "advertise-address": {
        type: "string",
        value: "IP",
        help: "of this control plane (the host's own, as it is now)",
      },
      "control-plane": { type: "string", value: "HOST:PORT", help: "where this host finds a control plane that moved" },
    },
    run: async (values) => {
      const paths = pathsOf(values);
      const { stopHost } = await import("../agent/host/start.js");
      const { knowControlPlane, readdressControlPlane } = await import("../controlplane/setup/readdress.js");
      const host = await ownHost(paths);
      const elsewhere = values["control-plane"];
      const address = readdressed(host, values);
      await stopHost(host, paths, programOf(values));
      if (address === undefined) {
        await knowControlPlane(paths, elsewhere ?? "");
        await start(host, paths, values);
        console.log(`${host.name} looks for the control plane at ${elsewhere}`);
        return 0;
      }
      // What runs goes on running whatever comes of it, as the host that it was or is.
      const moved = await readdressControlPlane(host, paths, address).catch(async (error: unknown) => {
        await start(host, paths, values);
        throw error;
      });
      await start(moved, paths, values);
      const { awaitControlPlane } = await import("../controlplane/setup/await-control-plane.js");
      await awaitControlPlane({ host: moved, paths });
      const served = hostPort(moved.advertiseAddress, moved.ports.api);
      const { tellNodes } = await import("../controlplane/setup/tell-nodes.js");
      const { told, silent } = await tellNodes(moved, paths);
      console.log(`${host.name} serves at ${served}; nodes that were told: ${told.join(", ") || "none"}`);
      if (silent.length === 0) return 0;
      console.log(
        `these did not answer, and follow by themselves if they know another control plane: ${silent.join(", ")}; else run there:`,
      );
      console.log(`\n  tallshipd readdress --control-plane ${served}\n`);
      return 0;
    },
  }),
  supervise: command({
    summary: "keep this host's daemons running, in the foreground, where no systemd does",
    words: [],
    options: FOLDER_OPTIONS,
    run: async (values) => {
      const { runSupervisor } = await import("../agent/host/supervise.js");
      return runSupervisor(await ownHost(pathsOf(values)), pathsOf(values), programOf(values));
    },
  }),
  controlplane: command({
    summary: "run the control plane",
    words: [],
    options: DAEMON_OPTIONS,
    run: (values) =>
      daemon("controlplane", values, async (parts, signal) => {
        preferThisProcess(parts.log);
        const { runControlPlane } = await import("../controlplane/main.js");
        return runControlPlane(parts, signal);
      }),
  }),
  agent: command({
    summary: "run this node's agent",
    words: [],
    options: {
      ...DAEMON_OPTIONS,
      "cgroup-parent": { type: "string", value: "PATH", help: "control group above all pods' groups (none)" },
    },
    run: (values) =>
      daemon("agent", values, async (parts, signal) => {
        const { runAgent } = await import("../agent/main.js");
        const programPath = process.argv[1] ?? "tallshipd";
        return runAgent({ ...parts, programPath, cgroupParent: values["cgroup-parent"] ?? "" }, signal);
      }),
  }),
  dns: command({
    summary: "answer names for this host's pods from what the agent last wrote",
    words: [],
    options: DAEMON_OPTIONS,
    run: (values) =>
      daemon("dns", values, async ({ paths, log }, signal) => {
        const cluster = await readClusterConfig(paths);
        if (cluster === undefined) throw notJoined(paths);
        const { runDns } = await import("../net/dns/main.js");
        return runDns({ cluster, runDir: paths.runDir, resolvConf: "/etc/resolv.conf", port: 53, log }, signal);
      }),
  }),
  worker: command({
    summary: "unpack layers for the agent, which starts it and speaks to it over standard input and output",
    words: [],
    options: {},
    run: async () => {
      const { runWorker } = await import("../agent/worker/run-worker.js");
      return runWorker();
    },
  }),
  "copy-tree": command({
    summary: "write an archive into a container for the agent, which starts it",
    words: [],
    options: {},
    run: async () => {
      const { runCopy } = await import("../agent/streams/run-copy.js");
      return runCopy();
    },
  }),
  doctor: command({
    summary: "say what this host lacks, with the evidence and what to do",
    words: [],
    options: FOLDER_OPTIONS,
    run: async (values) => {
      const { gatherEvidence } = await import("../agent/doctor/gather.js");
      const { judgeHost } = await import("../agent/doctor/checks.js");
      const { reportText } = await import("../agent/doctor/report.js");
      const { systemClock } = await import("../lib/system-clock.js");
      const findings = judgeHost(await gatherEvidence(pathsOf(values), systemClock));
      console.log(reportText(findings));
      return findings.some(({ state }) => state === "fail") ? 1 : 0;
    },
  }),
  version: command({
    summary: "print the version",
    words: [],
    options: {},
    run: async () => {
      console.log(`tallshipd ${VERSION} (${COMMIT})`);
      return 0;
    },
  }),
};

type Folders = OptionValues<typeof FOLDER_OPTIONS>;

async function start(host: HostConfig, paths: HostPaths, values: Folders): Promise<void> {
  const { startHost } = await import("../agent/host/start.js");
  await startHost(host, paths, programOf(values));
}

async function daemon(
  name: string,
  values: OptionValues<typeof DAEMON_OPTIONS>,
  run: (parts: { paths: HostPaths; log: import("../lib/log.js").Log }, signal: AbortSignal) => Promise<void>,
): Promise<number> {
  const [{ pinoLog }, { runDaemon }] = await Promise.all([import("../lib/pino-log.js"), import("../lib/daemon.js")]);
  const log = pinoLog(name, values["log-level"] ?? "info");
  // Whatever is still open must not keep a daemon that has ended: its supervisor waits to start it again.
  process.exit(await runDaemon(log, (signal) => run({ paths: pathsOf(values), log }, signal)));
}

async function ownHost(paths: HostPaths): Promise<HostConfig> {
  const host = await readHostConfig(paths);
  if (host !== undefined) return host;
  throw notJoined(paths);
}

/** The address that a control plane is to have; undefined for a host that is to be told of another's. */
function readdressed(
  host: HostConfig,
  values: { readonly "advertise-address"?: string; readonly "control-plane"?: string },
): string | undefined {
  const { "control-plane": elsewhere, "advertise-address": asked } = values;
  if (elsewhere !== undefined) {
    if (/^\S+:\d+$/.test(elsewhere)) return undefined;
    throw new TallshipError("invalid_argument", `--control-plane ${elsewhere}: want an address and a port`);
  }
  if (!host.isControlPlane)
    throw new TallshipError(
      "invalid_argument",
      `${host.name} is no control plane, and follows its own address by itself: say --control-plane HOST:PORT`,
    );
  const address = asked ?? likelyAddress();
  if (address !== undefined && isIP(address) > 0) return address;
  throw new TallshipError(
    "invalid_argument",
    `readdress: ${address ?? "this host has no address"}: give --advertise-address`,
  );
}

function notJoined(paths: HostPaths): TallshipError {
  const message = `this host is in no cluster (${paths.host} is missing): run tallshipd init or tallshipd join`;
  return new TallshipError("failed_precondition", message);
}

function programOf(values: Folders): DaemonProgram {
  return { path: process.argv[1] ?? "tallshipd", options: folderArguments(values) };
}

function usage(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => name.length));
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return `tallshipd: the daemons of a Tallship host\n\n${rows.join("\n")}\n\ntallshipd COMMAND --help tells a command's options\n`;
}

async function main([name = "help", ...args]: readonly string[]): Promise<number> {
  const found = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (found === undefined) {
    const isAsked = ["help", "--help", "-h"].includes(name);
    (isAsked ? console.log : console.error)(`${isAsked ? "" : `tallshipd: no command ${name}\n\n`}${usage()}`);
    return isAsked ? 0 : 2;
  }
  if (args.includes("--help") || args.includes("-h")) {
    console.log(commandHelp(`tallshipd ${name}`, found));
    return 0;
  }
  try {
    const { values, words } = parseCommand(`tallshipd ${name}`, found, args);
    return await found.run(values, words);
  } catch (caught) {
    const error = asTallshipError(caught);
    console.error(`tallshipd: ${error.message}`);
    return error.code === "invalid_argument" ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
