import { describe, expect, test } from "vitest";
import { judgeHost } from "./checks.js";
import type { HostEvidence } from "./host-evidence.js";
import { reportText } from "./report.js";

const dayMs = 86_400_000;
const nowMs = Date.parse("2026-03-01T00:00:00Z");

const good: HostEvidence = {
  nowMs,
  uid: 0,
  nodeVersion: "20.20.2",
  kernelRelease: "6.1.0",
  hostName: "node-a",
  programs: {
    crun: "crun version 1.8.1",
    buildah: "buildah version 1.28.2",
    runc: undefined,
    conmon: "conmon version 2.1.6",
    nft: "nftables v1.0.6",
    ip: "ip utility",
    bridge: "bridge utility",
    conntrack: "conntrack v1.4.7",
    busybox: "BusyBox v1.35.0",
    haproxy: "HAProxy version 2.6.12",
    wg: "wireguard-tools v1.0.20210914",
    "wireguard-go": "wireguard-go v0.0.20220316",
    socat: "socat version 1.7.4.4",
    flock: "flock",
    setsid: "setsid",
    etcd: "etcd Version: 3.4.23",
  },
  probes: {
    ...{ vxlan: undefined, veth: undefined, nftables: undefined },
    ...{ sctp: undefined, ipv6: undefined, shortcut: undefined, overlay: undefined },
  },
  droppingChains: [],
  mountInfo: "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
  unifiedControllers: ["cpu", "memory", "pids"],
  dataDir: "/var/lib/tallship",
  freeBytes: 50 * 2 ** 30,
  routes: [{ destination: "192.168.1.0/24", device: "eth0" }],
  wantedRanges: ["10.128.0.0/9", "10.96.0.0/12"],
  ports: [{ port: 7443, what: "API", isTaken: false }],
  hasSystemd: false,
  membership: undefined,
};

const member: NonNullable<HostEvidence["membership"]> = {
  name: "node-a",
  isControlPlane: false,
  certificates: [{ path: "/etc/tallship/node.crt", expiresAtMs: nowMs + dayMs }],
  daemons: [{ name: "agent", pid: 7 }],
  controlPlanes: [{ address: "10.0.0.1:7443", problem: undefined }],
};

test("a host that has everything gets no complaint", () => {
  expect(judgeHost(good).filter(({ state }) => state !== "ok")).toEqual([]);
  expect(reportText(judgeHost(good))).toContain("this host can run Tallship");
});

describe("each lack is told once, with evidence and remedy", () => {
  // Each row takes one thing away from a good host.
  test.each([
    { change: { uid: 1000 }, name: "root", state: "fail", evidence: "uid 1000" },
    { change: { nodeVersion: "20.8.1" }, name: "node", state: "fail", evidence: "Node 20.8.1" },
    {
      change: { programs: { ...good.programs, buildah: undefined } },
      ...{ name: "buildah", state: "warn", evidence: "not installed", remedy: "apt-get install buildah" },
    },
    { change: { hostName: "localhost" }, name: "name", state: "fail", evidence: "localhost" },
    { change: { hostName: "my_host" }, name: "name", state: "fail", evidence: "my_host" },
    {
      change: { programs: { ...good.programs, crun: undefined } },
      name: "runtime",
      state: "fail",
      evidence: "neither",
    },
    {
      change: { programs: { ...good.programs, crun: undefined, runc: "runc 1.1" } },
      name: "runtime",
      state: "warn",
      evidence: "runc 1.1",
    },
    {
      change: { programs: { ...good.programs, nft: undefined } },
      name: "nft",
      state: "fail",
      evidence: "not installed",
    },
    {
      change: { programs: { ...good.programs, flock: undefined } },
      name: "flock",
      state: "fail",
      evidence: "not installed",
    },
    {
      change: { programs: { ...good.programs, etcd: undefined } },
      name: "etcd",
      state: "warn",
      evidence: "not installed",
    },
    {
      change: { probes: { ...good.probes, sctp: "connections of SCTP are not tracked" } },
      name: "sctp",
      state: "warn",
      evidence: "connections of SCTP are not tracked",
    },
    {
      change: { probes: { ...good.probes, ipv6: "Address family not supported by protocol" } },
      name: "ipv6",
      state: "warn",
      evidence: "Address family not supported by protocol",
    },
    {
      change: { probes: { ...good.probes, vxlan: "Operation not supported" } },
      name: "vxlan",
      state: "fail",
      evidence: "Operation not supported",
    },
    { change: { unifiedControllers: ["cpu", "pids"] }, name: "cgroups", state: "fail", evidence: "v2: memory missing" },
    { change: { freeBytes: 2 * 2 ** 30 }, name: "disk", state: "warn", evidence: "2.0 GiB free" },
    { change: { freeBytes: 2 ** 29 }, name: "disk", state: "fail", evidence: "0.5 GiB free" },
    {
      change: { ports: [{ port: 7443, what: "API", isTaken: true }] },
      name: "ports",
      state: "fail",
      evidence: "taken: 7443 (API)",
    },
    {
      change: { droppingChains: [{ family: "ip", table: "filter", name: "FORWARD", hook: "forward" as const }] },
      name: "firewall",
      state: "warn",
      evidence: "chain FORWARD of table ip filter",
    },
    { change: { routes: [] }, name: "routes", state: "fail", evidence: "no routes" },
    {
      change: { routes: [{ destination: "10.130.0.0/16", device: "tun0" }] },
      name: "routes",
      state: "fail",
      evidence: "10.130.0.0/16 by tun0",
    },
    {
      change: { membership: { ...member, certificates: [{ path: "/x.crt", expiresAtMs: nowMs }] } },
      name: "certificate",
      state: "fail",
      evidence: "/x.crt expired at 2026-03-01T00:00:00Z",
    },
    {
      change: { membership: { ...member, daemons: [{ name: "agent", pid: undefined }] } },
      name: "agent",
      state: "fail",
      evidence: "does not run",
    },
    {
      change: { membership: { ...member, controlPlanes: [{ address: "10.0.0.1:7443", problem: "refused" }] } },
      name: "control plane",
      state: "fail",
      evidence: "refused",
    },
    {
      change: {
        membership: {
          ...member,
          controlPlanes: [...member.controlPlanes, { address: "10.0.0.2:7443", problem: "refused" }],
        },
      },
      name: "control plane",
      state: "warn",
      evidence: "refused",
    },
  ])("$name: $evidence → $state", ({ change, name, state, evidence }) => {
    const complaints = judgeHost({ ...good, ...change }).filter((finding) => finding.state !== "ok");
    expect(complaints).toMatchObject([{ name, state }]);
    expect(complaints[0]?.evidence).toContain(evidence);
    expect(complaints[0]?.remedy).not.toBe("");
  });
});

test("a host that has joined is not blamed for its own ports and routes", () => {
  const joined = {
    ...good,
    membership: member,
    ports: [{ port: 7443, what: "API", isTaken: true }],
    routes: [{ destination: "10.128.0.0/22", device: "tallship" }],
  };
  expect(judgeHost(joined).filter(({ state }) => state !== "ok")).toEqual([]);
});
