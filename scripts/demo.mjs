// The whole path on one machine: sets up, starts a three-host cluster, applies manifests, shows pods on all hosts answering
// each other, and takes everything down again. Prints every command it runs, so that it can be repeated by hand.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const name = `demo-${process.pid}`;
const environment = { ...process.env, NODE_EXTRA_CA_CERTS: undefined };
let configPath = "";

/** Says what comes, for people. */
function say(text) {
  console.log(`\n— ${text}`);
}

/** Runs one of the project's programs and shows its words and its output; throws when it fails. */
function show(program, args, { isQuiet = false } = {}) {
  console.log(`$ bin/${program} ${args.join(" ")}`);
  const result = spawnSync(process.execPath, [join(root, "bin", program), ...args], {
    encoding: "utf8",
    env: { ...environment, TSCTL_CONFIG: configPath },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 120_000,
  });
  if (!isQuiet) process.stdout.write(result.stdout);
  if (result.status !== 0) throw new Error(`bin/${program} ${args.join(" ")}: exit ${result.status ?? result.signal}`);
  return result.stdout;
}

const onTestbed = (...args) => show("testbed", [...args.slice(0, 2), "--name", name, ...args.slice(2)]);

/** Which pods answered a number of requests from one host to the service. */
function ask(host, address, count) {
  const loop = `for i in $(seq ${count}); do curl -s --max-time 2 http://${address}/ || echo failed; done | sort | uniq -c`;
  const answers = onTestbed("exec", host, "--", "sh", "-c", loop);
  if (answers.includes("failed")) throw new Error(`a request from ${host} failed`);
  return answers
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => line.trim().replace(/^\d+ /, ""));
}

function demo() {
  say("a three-host cluster on network namespaces, with an embedded etcd and a registry");
  const up = show("testbed", ["up", "--hosts", "3", "--name", name], { isQuiet: true });
  configPath = /TSCTL_CONFIG=(\S+)/.exec(up)?.[1] ?? "";
  show("tsctl", ["get", "nodes", "-o", "wide"]);
  say("a deployment and a service");
  show("tsctl", ["apply", "-f", join(root, "manifests/hello.yaml"), "--wait"]);
  show("tsctl", ["get", "deployments,pods,services", "-o", "wide"]);
  say("requests from every host to the service's address, answered by pods on all hosts");
  const service = JSON.parse(show("tsctl", ["get", "service", "hello", "-o", "json"], { isQuiet: true }));
  const answered = ["host1", "host2", "host3"].map((host) => ask(host, service.spec.clusterIP, 30));
  const everybody = new Set(answered.flat());
  if (answered.some((pods) => pods.length < 2)) throw new Error("the service does not spread its requests");
  say("a pod asks by name, the cluster's DNS answers");
  show("tsctl", ["exec", "deploy/hello", "--", "fetch", "hello.default.svc.cluster.local"]);
  say("logs and scale");
  show("tsctl", ["logs", "deploy/hello", "--tail", "2"]);
  show("tsctl", ["scale", "deploy/hello", "--replicas=12"]);
  show("tsctl", ["apply", "-f", join(root, "manifests/hello.yaml"), "--dry-run=server"]);
  show("tsctl", ["delete", "-f", join(root, "manifests/hello.yaml")]);
  say(`done: ${everybody.size} pods answered 90 requests from 3 hosts`);
}

const setup = spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { cwd: root, stdio: "inherit" });
if (setup.status !== 0) process.exit(1);
let exitCode = 0;
try {
  demo();
} catch (error) {
  console.error(`demo: ${error.message}`);
  exitCode = 1;
}
spawnSync(process.execPath, [join(root, "bin/testbed"), "down", "--name", name], { stdio: "inherit" });
process.exit(exitCode);
