import { describe, expect, test } from "vitest";
import { decodeDocument } from "../../kinds/decode.js";
import { treeOfJson } from "../../kinds/patch/json-tree.js";
import { parse } from "../parse.js";
import { RUN_FLAGS } from "./flags.js";
import { type RunOrder, runOrder } from "./order.js";

/** The objects of a command line in docker's form. */
function order(line: string, isNamed = false): RunOrder {
  const { flags, operands, rest = [] } = parse(line.split(" "), RUN_FLAGS, true);
  const env = { HOME: "/home/ann" };
  const words = [...operands.slice(1), ...rest];
  return runOrder(flags, {
    name: "calm-tide",
    isNamed,
    image: operands[0] ?? "",
    words,
    fileVariables: ["A=file", "B=file"],
    fileLabels: ["from=file"],
    env,
    exposed: flags.publishAll ? ["80/tcp", "53/udp"] : [],
  });
}

const specOf = (line: string) => order(line).pod["spec"];
const containerOf = (line: string) => (specOf(line) as { containers: [object] }).containers[0];

describe("run: what flags of docker come to", () => {
  // Each row: a command line, and what of the container follows from it.
  const containers = [
    { line: "busybox", want: { name: "calm-tide", image: "busybox" } },
    { line: "busybox ls -l /", want: { args: ["ls", "-l", "/"] } },
    { line: "busybox -- ls -l", want: { args: ["ls", "-l"] } },
    { line: "--entrypoint sh busybox -c true", want: { command: ["sh"], args: ["-c", "true"] } },
    { line: "-it busybox sh", want: { stdin: true, tty: true } },
    { line: "-i busybox cat", want: { stdin: true, stdinOnce: true } },
    { line: "-di busybox cat", want: { stdin: true } },
    {
      line: "-e A=1 -e HOME -e NONE x",
      want: {
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "file" },
          { name: "HOME", value: "/home/ann" },
        ],
      },
    },
    { line: "-w /srv x", want: { workingDir: "/srv" } },
    { line: "-u 7:8 x", want: { securityContext: { runAsUser: 7, runAsGroup: 8 } } },
    {
      line: "--read-only --privileged x",
      want: { securityContext: { readOnlyRootFilesystem: true, privileged: true } },
    },
    {
      line: "--cap-add CAP_NET_ADMIN --cap-drop all x",
      want: { securityContext: { capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] } } },
    },
    {
      line: "-m 512m --cpus 1.5 --gpus 2 x",
      want: { resources: { limits: { memory: "536870912", cpu: "1.5", "nvidia.com/gpu": "2" } } },
    },
    { line: "--pull never x", want: { imagePullPolicy: "Never" } },
    {
      line: "-m 512m --memory-reservation 256m --cpu-shares 512 x",
      want: { resources: { limits: { memory: "536870912" }, requests: { memory: "268435456", cpu: "500m" } } },
    },
    { line: "--shm-size 256m x", want: { volumeMounts: [{ name: "tmpfs-0", mountPath: "/dev/shm" }] } },
    { line: "--expose 9000 x", want: { ports: [{ containerPort: 9000, protocol: "TCP" }] } },
    {
      line: "-P --expose 9000/udp x",
      want: {
        ports: [
          { containerPort: 80, protocol: "TCP" },
          { containerPort: 53, protocol: "UDP" },
          { containerPort: 9000, protocol: "UDP" },
        ],
      },
    },
    {
      line: "--health-cmd true --health-interval 1500ms --health-retries 5 x",
      want: {
        readinessProbe: {
          exec: { command: ["/bin/sh", "-c", "true"] },
          ...{ periodSeconds: 2, timeoutSeconds: 30, failureThreshold: 5 },
        },
      },
    },
    {
      line: "--health-cmd true --health-start-period 1m x",
      want: {
        readinessProbe: { periodSeconds: 30, failureThreshold: 3 },
        startupProbe: { periodSeconds: 5, failureThreshold: 2_147_483_647 },
      },
    },
    { line: "--cpu-quota 50000 x", want: { resources: { limits: { cpu: "0.5" } } } },
    { line: "--cpu-quota 50000 --cpu-period 25000 x", want: { resources: { limits: { cpu: "2" } } } },
    {
      line: "--health-cmd true --health-start-period 1m --health-start-interval 2s x",
      want: { startupProbe: { periodSeconds: 2 } },
    },
    { line: "--stop-signal int x", want: { lifecycle: { stopSignal: "SIGINT" } } },
    {
      line: "-p 127.0.0.1:4000:80/udp x",
      want: { ports: [{ containerPort: 80, protocol: "UDP", hostPort: 4000, hostIP: "127.0.0.1" }] },
    },
  ];
  test.each(containers)("$line", ({ line, want }) => expect(containerOf(line)).toMatchObject(want));

  const specs = [
    { line: "x", want: { restartPolicy: "Never", terminationGracePeriodSeconds: 10 } },
    { line: "--restart always x", want: { restartPolicy: "Always" } },
    { line: "--init x", want: { shareProcessNamespace: true } },
    // As docker's old scripts have them.
    { line: "--net host -h box x", want: { hostNetwork: true, hostname: "box" } },
    {
      line: "--dns-search a.example --dns-opt ndots:2 --dns-option rotate x",
      want: { dnsConfig: { searches: ["a.example"], options: [{ name: "ndots", value: "2" }, { name: "rotate" }] } },
    },
    { line: "--restart on-failure x", want: { restartPolicy: "OnFailure" } },
    {
      line: "--network host --hostname h --stop-timeout 3 x",
      want: { hostNetwork: true, hostname: "h", terminationGracePeriodSeconds: 3 },
    },
    {
      line: "--add-host db:10.0.0.1 --add-host six:fd00::1 --add-host other=[fd00::2] --dns 1.1.1.1 x",
      want: {
        hostAliases: [
          { ip: "10.0.0.1", hostnames: ["db"] },
          { ip: "fd00::1", hostnames: ["six"] },
          { ip: "fd00::2", hostnames: ["other"] },
        ],
        dnsPolicy: "None",
        dnsConfig: { nameservers: ["1.1.1.1"] },
      },
    },
    {
      line: "--platform linux/arm64/v8 --node host2 x",
      want: { nodeSelector: { "kubernetes.io/arch": "arm64", "kubernetes.io/hostname": "host2" } },
    },
    {
      line: "-v /srv:/a:ro -v data:/b -v /c --tmpfs /d:size=1m x",
      want: {
        volumes: [
          { name: "bind-0", hostPath: { path: "/srv", type: "DirectoryOrCreate" } },
          { name: "data", persistentVolumeClaim: { claimName: "data" } },
          { name: "volume-2", emptyDir: {} },
          { name: "tmpfs-3", emptyDir: { medium: "Memory", sizeLimit: "1048576" } },
        ],
      },
    },
  ];
  test.each(specs)("$line", ({ line, want }) => expect(specOf(line)).toMatchObject(want));
});

test("run: what has no effect is named, one sentence each, and nothing else is", () => {
  const line = "--log-driver json-file --log-opt a=1 --log-opt b=2 --memory-swap -1 --oom-kill-disable x";
  expect(order(line).notes.map((note) => note.split(":")[0])).toEqual([
    "--log-driver",
    "--log-opt",
    "--memory-swap",
    "--oom-kill-disable",
  ]);
  expect(order("x").notes).toEqual([]);
});

test("run: --rm is its agent's to honour", () => {
  expect(order("--rm x").pod["metadata"]).toMatchObject({ annotations: { "tallship.dev/remove-when-over": "true" } });
});

test("run: what docker refuses together is refused", () => {
  expect(() => order("--rm --restart always x")).toThrow("--rm and --restart exclude each other");
  expect(() => order("--cpus 1 --cpu-quota 1000 x")).toThrow("two answers");
});

test("run: every pod that it makes is one that the decoder takes", () => {
  const line =
    "-it -p 4000:80 -p 127.0.0.1:1:2 -v data:/b --tmpfs /d -e A=1 -l k=v -l odd=a/b --restart on-failure:3 --ulimit nofile=64:128 --ulimit core=-1 --shm-size 64m --init --health-cmd true -m 1g -u 0 --sysctl net.core.somaxconn=9 x sh";
  const { pod, services, claims } = order(line, true);
  for (const json of [pod, ...services, ...claims])
    expect(decodeDocument(treeOfJson(json, 0), { name: "run", text: "" }).problems).toEqual([]);
  expect(pod["metadata"]).toMatchObject({
    labels: { k: "v", "tallship.dev/run": "calm-tide" },
    annotations: {
      odd: "a/b",
      "tallship.dev/max-restarts": "3",
      "tallship.dev/ulimits": "calm-tide.nofile=64:128,calm-tide.core=-1:-1",
    },
  });
});

test("run: a published port is open on every node by both families, a name that was chosen is one in DNS", () => {
  expect(order("-p 4000:80 x").services).toMatchObject([
    {
      metadata: { name: "calm-tide-published", annotations: { "tallship.dev/any-node-port": "true" } },
      spec: {
        type: "NodePort",
        ipFamilyPolicy: "PreferDualStack",
        selector: { "tallship.dev/run": "calm-tide" },
        ports: [{ port: 4000, targetPort: 80, nodePort: 4000 }],
      },
    },
  ]);
  expect(order("x", true).services).toMatchObject([{ metadata: { name: "calm-tide" }, spec: { clusterIP: "None" } }]);
  expect(order("-v data:/b -v data:/c x").claims).toMatchObject([{ metadata: { name: "data" } }]);
});

const refused = [
  { line: "--restart sometimes x", why: "--restart is no, on-failure" },
  { line: "--restart always:3 x", why: "--restart is no, on-failure" },
  { line: "-u a=b x", why: "--user is USER[:GROUP]" },
  { line: "-u www-data: x", why: "--user is USER[:GROUP]" },
  { line: "--network host --network blue x", why: "--network host stands alone" },
  { line: "-v ./here:/there x", why: "copied with cp" },
  { line: "-v data:/b:weird x", why: "option weird" },
  { line: "-v data:there x", why: "absolute path" },
  { line: "-p 99999:80 x", why: "-p: want [[IP:]PORT:]PORT" },
  { line: "-m lots x", why: "--memory is a size" },
  { line: "--ulimit nofile x", why: "--ulimit is NAME=SOFT[:HARD]" },
  { line: "--ulimit odd=1 x", why: "the kernel has no limit odd" },
  { line: "--shm-size much x", why: "--shm-size is a size" },
  { line: "--health-interval 5s x", why: "say what is asked with --health-cmd" },
  { line: "--network host --network-alias db x", why: "a container on network host has no aliases" },
  { line: "--network name=blue,ip=10.0.0.9 x", why: "addresses are given by the node" },
  { line: "--network alias=db x", why: "names no network" },
  { line: "--network-alias db.shop x", why: "--network-alias db.shop: want at most 63" },
  { line: "--no-healthcheck --health-cmd true x", why: "two answers to one question" },
  { line: "--security-opt label=x x", why: "is not supported" },
];
test.each(refused)("run: $line is refused", ({ line, why }) => expect(() => order(line)).toThrow(why));

// What docker's --network means for the pod.
const networks = [
  { line: "x", want: undefined },
  { line: "--network bridge x", want: undefined },
  { line: "--network blue x", want: "blue" },
  { line: "--network blue --network bridge x", want: "blue,default" },
  { line: "--network none x", want: "none" },
  { line: "--network name=blue,alias=db --network bridge x", want: "blue,default" },
];

test.each(networks)("networks of: $line", ({ line, want }) => {
  const annotations = {
    ...(want === undefined ? {} : { "tallship.dev/networks": want }),
    "tallship.dev/keep-files": "true",
  };
  expect(order(line).pod).toHaveProperty("metadata.annotations", annotations);
});

test("run: aliases are names in DNS that lead to all containers that have them, and never the container's own twice", () => {
  const { pod, aliases, services } = order(
    "--network name=blue,alias=db,alias=store --network-alias db --network-alias calm-tide x",
    true,
  );
  const label = "alias.run.tallship.dev/db";
  expect(pod).toHaveProperty(["metadata", "labels", label], "true");
  expect(pod).toHaveProperty(["metadata", "labels", "alias.run.tallship.dev/store"], "true");
  expect(aliases.map((each) => each["metadata"])).toMatchObject([{ name: "db" }, { name: "store" }]);
  expect(aliases[0]).toMatchObject({ spec: { clusterIP: "None", selector: { [label]: "true" } } });
  expect(services).toHaveLength(1);
  for (const json of aliases)
    expect(decodeDocument(treeOfJson(json, 0), { name: "run", text: "" }).problems).toEqual([]);
});

// Numbers are Kubernetes' own; a name waits for the image that knows it.
const users = [
  { text: "1000", context: { runAsUser: 1000 }, runAs: undefined },
  { text: "1000:50", context: { runAsUser: 1000, runAsGroup: 50 }, runAs: undefined },
  { text: "root:root", context: { runAsUser: 0, runAsGroup: 0 }, runAs: undefined },
  { text: "www-data", context: undefined, runAs: "www-data" },
  { text: "1000:staff", context: undefined, runAs: "1000:staff" },
];

for (const { text, context, runAs } of users) {
  test(`run --user ${text}`, () => {
    const { pod } = order(`-u ${text} x`);
    const spec = pod["spec"] as { containers: [{ name: string; securityContext?: unknown }] };
    const [container] = spec.containers;
    expect(container.securityContext).toEqual(context);
    const annotations = (pod["metadata"] as { annotations: Record<string, string> }).annotations;
    expect(annotations["tallship.dev/run-as"]).toBe(runAs === undefined ? undefined : `${container.name}=${runAs}`);
  });
}
