import { expect, test } from "vitest";
import { Container } from "../../proto/gen/tallship/v1/container.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type SharedNamespaces, sharedNamespaces } from "../runtime/shared-namespaces.js";
import type { PodUsers } from "../userns/pod-users.js";
import { capabilityNames, capabilitySet } from "./capabilities.js";
import { type BindMount, ociSpec } from "./oci-spec.js";
import { oomScoreAdj } from "./oom-score.js";
import { cpuShares, ociResources } from "./resources.js";
import { defaultSeccomp } from "./seccomp-default.js";

type PartialContainer = Parameters<typeof Container.fromPartial>[0];
const all = capabilityNames("1ffffffffff");

const volumes: readonly BindMount[] = [
  { hostPath: "/run/tallship/pods/u1/files/hosts", containerPath: "/etc/hosts", isReadOnly: false },
  { hostPath: "/data/deep", containerPath: "/srv/data/deep", isReadOnly: true },
  { hostPath: "/data", containerPath: "/srv/data", isReadOnly: false },
];

function spec(
  container: PartialContainer = {},
  pod: Parameters<typeof Pod.fromPartial>[0] = {},
  binds: readonly BindMount[] = volumes,
  shared: SharedNamespaces | undefined = undefined,
  users: PodUsers | undefined = undefined,
) {
  return ociSpec({
    pod: Pod.fromPartial(pod),
    container: Container.fromPartial({ name: "web", ...container }),
    command: ["/bin/serve", "--port", "8080"],
    environment: ["PATH=/bin", "GREETING=hello"],
    workingDir: "/srv",
    user: { uid: 1000, gid: 1001, additionalGids: [1002] },
    rootPath: "/var/lib/tallship/rootfs/u1_web_0/merged",
    hostname: "web-0",
    binds,
    ...{ shared, users },
    netnsPath: "/run/tallship/netns/u1",
    cgroupsPath: "/tallship/podu1/web.0",
    oomScoreAdj: 999,
    host: {
      capabilities: all,
      architecture: "x64",
      seccompProfile: (name) => ({ defaultAction: name, architectures: [], syscalls: [] }),
      devices: [{ path: "/dev/kvm", type: "c", major: 10, minor: 232 }],
    },
  });
}

/** The seccomp profile is long and has a test of its own. */
function withoutSeccomp(of: ReturnType<typeof spec>): string {
  const { seccomp, ...linux } = of.linux;
  return `${JSON.stringify({ ...of, linux: { ...linux, seccomp: seccomp?.defaultAction ?? "none" } }, null, 2)}\n`;
}

// Every right that a container has is in these files: a change of them is a change of what the world may do to a host.
const golden = [
  { name: "plain", of: spec() },
  {
    name: "hardened",
    of: spec({
      securityContext: {
        capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] },
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
      },
      resources: { limits: { cpu: "500m", memory: "64Mi" }, requests: { cpu: "250m" } },
    }),
  },
  { name: "privileged", of: spec({ securityContext: { privileged: true } }) },
  {
    name: "user-namespace",
    of: spec(
      {},
      {},
      volumes.map((bind) => ({ ...bind, mappedTo: { first: 1_879_048_192, count: 65_536 } })),
      undefined,
      { ids: { first: 1_879_048_192, count: 65_536 }, path: "/run/tallship/userns/u1" },
    ),
  },
];

for (const { name, of } of golden) {
  test(`config.json of a ${name} container is as reviewed`, async () => {
    await expect(withoutSeccomp(of)).toMatchFileSnapshot(`golden/${name}.golden`);
  });
}

test("a pod on the host's network joins no network namespace and unconfined means no filter", () => {
  const pod = { spec: { securityContext: { seccompProfile: { type: "Unconfined", localhostProfile: "" } } } };
  expect(spec({}, pod).linux.seccomp).toBeUndefined();
  expect(spec().linux.seccomp?.defaultAction).toBe("SCMP_ACT_ERRNO");
});

test("a pod takes the host's namespaces, sysctls, an open /proc and a node's own profile only as it asks for them", () => {
  const types = (pod: Parameters<typeof spec>[1]) => spec({}, pod).linux.namespaces.map(({ type }) => type);
  expect(types({})).toEqual(["pid", "ipc", "uts", "mount", "network"]);
  expect(types({ spec: { hostPID: true } })).toEqual(["ipc", "uts", "mount", "network"]);
  expect(types({ spec: { hostIPC: true } })).toEqual(["pid", "uts", "mount", "network"]);
  const shm = spec({}, { spec: { hostIPC: true } }).mounts.find(({ destination }) => destination === "/dev/shm");
  expect(shm).toMatchObject({ type: "bind", source: "/dev/shm" });
  const sysctls = [
    { name: "net.core.somaxconn", value: "1024" },
    { name: "net/ipv4/tcp_syncookies", value: "1" },
  ];
  expect(spec({}, { spec: { securityContext: { sysctls } } }).linux.sysctl).toEqual({
    "net.core.somaxconn": "1024",
    "net.ipv4.tcp_syncookies": "1",
  });
  expect(spec({ securityContext: { procMount: "Unmasked" } }).linux).toMatchObject({
    maskedPaths: [],
    readonlyPaths: [],
  });
  const seccompProfile = { type: "Localhost", localhostProfile: "audit.json" };
  expect(spec({ securityContext: { seccompProfile } }).linux.seccomp?.defaultAction).toBe("audit.json");
});

test("a pod's containers join what they share, and the host's where the pod asks for that", () => {
  const shared = { folder: "/run/tallship/pods/u1/shared", hasIpc: true, hasPids: true };
  const made = spec({}, {}, volumes, shared);
  expect(made.linux.namespaces).toContainEqual({ type: "pid", path: `${shared.folder}/pid` });
  expect(made.linux.namespaces).toContainEqual({ type: "ipc", path: `${shared.folder}/ipc` });
  expect(made.mounts.find(({ destination }) => destination === "/dev/shm")?.source).toBe(`${shared.folder}/shm`);
  const one = [{ name: "web" }];
  const shares = (of: NonNullable<Parameters<typeof Pod.fromPartial>[0]["spec"]>) => {
    const found = sharedNamespaces(Pod.fromPartial({ spec: of }), "");
    return [found?.hasIpc, found?.hasPids];
  };
  expect(shares({ containers: one })).toEqual([undefined, undefined]);
  expect(shares({ initContainers: one, containers: one })).toEqual([true, false]);
  expect(shares({ containers: one, shareProcessNamespace: true })).toEqual([false, true]);
  expect(shares({ initContainers: one, containers: one, hostIPC: true })).toEqual([undefined, undefined]);
});

test("a mount travels only as its volume says, and the root lets it", () => {
  const bind = { hostPath: "/data", containerPath: "/srv/data", isReadOnly: false };
  const of = (propagation?: "slave" | "shared") =>
    spec({}, {}, [propagation === undefined ? bind : { ...bind, propagation }]);
  const options = (made: ReturnType<typeof spec>) =>
    made.mounts.find(({ destination }) => destination === "/srv/data")?.options;
  expect(of().linux.rootfsPropagation).toBeUndefined();
  expect(options(of())).toEqual(["rbind", "rprivate", "rw"]);
  expect([of("slave").linux.rootfsPropagation, options(of("slave"))]).toEqual(["rslave", ["rbind", "rslave", "rw"]]);
  expect([of("shared").linux.rootfsPropagation, options(of("shared"))]).toEqual([
    "rshared",
    ["rbind", "rshared", "rw"],
  ]);
});

test("mounts are made from the shallowest to the deepest, so that none hides another", () => {
  const destinations = spec().mounts.map(({ destination }) => destination);
  expect(destinations.indexOf("/srv/data")).toBeLessThan(destinations.indexOf("/srv/data/deep"));
  expect(destinations.indexOf("/dev")).toBeLessThan(destinations.indexOf("/dev/shm"));
});

// What is allowed is Docker's list; these are the calls that make hosts fall, and what may bring them back.
for (const name of [
  "mount",
  "kexec_load",
  "init_module",
  "bpf",
  "unshare",
  "setns",
  "keyctl",
  "add_key",
  "open_by_handle_at",
  "io_uring_setup",
  "userfaultfd",
  "perf_event_open",
  "reboot",
  "swapon",
]) {
  test(`seccomp: ${name} is refused to a container with the default capabilities`, () => {
    const rules = defaultSeccomp(capabilitySet(undefined, all), "x64").syscalls;
    expect(rules.filter(({ names, action }) => action === "SCMP_ACT_ALLOW" && names.includes(name))).toEqual([]);
  });
}

test("seccomp: a capability brings its calls, clone makes no namespaces, clone3 asks for clone", () => {
  const plain = defaultSeccomp([], "x64").syscalls;
  const admin = defaultSeccomp(["SYS_ADMIN"], "x64").syscalls;
  expect(admin[0]?.names).toContain("mount");
  expect(plain.find(({ names }) => names.includes("clone"))?.args).toEqual([
    { index: 0, value: 0x7e020000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" },
  ]);
  expect(plain.find(({ names }) => names.includes("clone3"))).toMatchObject({ action: "SCMP_ACT_ERRNO", errnoRet: 38 });
  expect(plain[0]?.names).toEqual([...new Set(plain[0]?.names)].sort());
});

const capabilities = [
  { name: "the default", context: {}, want: { has: "CHOWN", lacks: "SYS_ADMIN", count: 14 } },
  {
    name: "one more",
    context: { capabilities: { add: ["CAP_NET_ADMIN"], drop: [] } },
    want: { has: "NET_ADMIN", lacks: "BPF", count: 15 },
  },
  { name: "none", context: { capabilities: { add: [], drop: ["ALL"] } }, want: { has: "", lacks: "CHOWN", count: 0 } },
  {
    name: "none but one",
    context: { capabilities: { add: ["chown"], drop: ["all"] } },
    want: { has: "CHOWN", lacks: "KILL", count: 1 },
  },
  {
    name: "all but one",
    context: { capabilities: { add: ["ALL"], drop: ["SYS_ADMIN"] } },
    want: { has: "BPF", lacks: "SYS_ADMIN", count: 40 },
  },
  { name: "privileged", context: { privileged: true }, want: { has: "SYS_ADMIN", lacks: "NONE", count: 41 } },
] as const;

for (const { name, context, want } of capabilities) {
  test(`capabilities: ${name}`, () => {
    const set = capabilitySet(Container.fromPartial({ securityContext: context }).securityContext, all);
    expect([set.length, want.has === "" || set.includes(want.has), set.includes(want.lacks)]).toEqual([
      want.count,
      true,
      false,
    ]);
  });
}

test("capabilities: one that no kernel has, and one that the host cannot give, are refused by name", () => {
  const asked = (name: string) =>
    Container.fromPartial({ securityContext: { capabilities: { add: [name], drop: [] } } });
  expect(() => capabilitySet(asked("FLY").securityContext, all)).toThrow("capability FLY");
  expect(() => capabilitySet(asked("SYS_RESOURCE").securityContext, capabilityNames("1fffeffffff"))).toThrow(
    "SYS_RESOURCE",
  );
  expect(capabilitySet(undefined, capabilityNames("0"))).toEqual([]);
});

test("resources: shares come from the request, a quota only from a limit", () => {
  const of = (limits: Record<string, string>, requests: Record<string, string>) =>
    ociResources({ limits, requests, claims: [] }, { isPrivileged: false });
  expect(of({}, { cpu: "250m" }).cpu).toEqual({ shares: 256 });
  expect(of({ cpu: "500m" }, {}).cpu).toEqual({ shares: 512, quota: 50_000, period: 100_000 });
  expect(of({ cpu: "1m" }, {}).cpu.quota).toBe(1_000);
  expect(of({ memory: "64Mi" }, {}).memory).toEqual({ limit: 67_108_864 });
  expect([cpuShares(0), cpuShares(1_000), cpuShares(1_000_000)]).toEqual([2, 1_024, 262_144]);
});

// Who is killed first when the host has no memory left: the larger the earlier.
const scores = [
  { qos: "Guaranteed", request: "1Gi", floor: -998, want: -997 },
  { qos: "Guaranteed", request: "1Gi", floor: 0, want: 0 },
  { qos: "BestEffort", request: "0", floor: -998, want: 1000 },
  { qos: "Burstable", request: "0", floor: -998, want: 999 },
  { qos: "Burstable", request: "4Gi", floor: -998, want: 500 },
  { qos: "Burstable", request: "8Gi", floor: -998, want: 3 },
] as const;

for (const { qos, request, floor, want } of scores) {
  test(`oom score: ${qos} with ${request} of 8Gi, at least ${floor}: ${want}`, () => {
    const container = Container.fromPartial({ resources: { requests: { memory: request } } });
    expect(oomScoreAdj(qos, container, { memoryBytes: 8 * 2 ** 30, floor })).toBe(want);
  });
}
