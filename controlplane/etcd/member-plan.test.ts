import { describe, expect, test } from "vitest";
import { etcdArguments, isAtLeast, type MemberPlan, parseVersion } from "./member-plan.js";

const plan: MemberPlan = {
  name: "a",
  dataDir: "/d/data",
  clientPort: 7379,
  peerPort: 7380,
  tls: { ca: "/d/ca.pem", pair: "/d/member.pem" },
};
const v34 = { major: 3, minor: 4, patch: 23 };

test("versions are read from what etcd prints, and nothing else is taken for one", () => {
  expect(parseVersion("etcd Version: 3.4.23\nGit SHA: Not provided\n")).toEqual(v34);
  expect(parseVersion("etcd Version: 3.6.0-rc.1\n")).toEqual({ major: 3, minor: 6, patch: 0 });
  expect(parseVersion("bash: etcd: command not found")).toBeUndefined();
});

// Each row stands at one side of a boundary of the order.
const orders = [
  { version: { major: 3, minor: 5, patch: 10 }, than: [3, 5, 10], want: true },
  { version: { major: 3, minor: 5, patch: 9 }, than: [3, 5, 10], want: false },
  { version: { major: 3, minor: 6, patch: 0 }, than: [3, 5, 10], want: true },
  { version: { major: 3, minor: 4, patch: 99 }, than: [3, 5, 0], want: false },
  { version: { major: 4, minor: 0, patch: 0 }, than: [3, 5, 10], want: true },
] as const;
test.each(orders)("$version is at least $than: $want", ({ version, than: [major, minor, patch], want }) => {
  expect(isAtLeast(version, major, minor, patch)).toBe(want);
});

test("a member without others listens on loopback only", () => {
  const args = etcdArguments(plan, v34, 1);
  expect(args.filter((arg) => /listen|advertise/.test(arg))).toEqual([
    "--listen-client-urls=https://127.0.0.1:7379",
    "--advertise-client-urls=https://127.0.0.1:7379",
    "--listen-peer-urls=https://127.0.0.1:7380",
    "--initial-advertise-peer-urls=https://127.0.0.1:7380",
  ]);
  expect(args).toContain("--initial-cluster=a=https://127.0.0.1:7380");
  expect(args).toContain("--initial-cluster-state=new");
});

test("a member with others is reached at its address, and by its own host on loopback", () => {
  const args = etcdArguments({ ...plan, address: "fd00::7", initialCluster: "a=x,b=y" }, v34, 1);
  expect(args).toContain("--listen-client-urls=https://127.0.0.1:7379,https://[fd00::7]:7379");
  expect(args).toContain("--advertise-client-urls=https://[fd00::7]:7379");
  expect(args).toContain("--listen-peer-urls=https://[fd00::7]:7380");
  expect(args).toContain("--initial-cluster=a=x,b=y");
  expect(args).toContain("--initial-cluster-state=existing");
});

describe("flags follow the version", () => {
  const rows = [
    { version: v34, has: ["--experimental-initial-corrupt-check=true"], lacks: "tls-min-version" },
    {
      version: { major: 3, minor: 5, patch: 9 },
      has: ["--experimental-initial-corrupt-check=true"],
      lacks: "tls-min-version",
    },
    { version: { major: 3, minor: 5, patch: 16 }, has: ["--tls-min-version=TLS1.3"], lacks: "feature-gates" },
    {
      version: { major: 3, minor: 6, patch: 0 },
      has: ["--tls-min-version=TLS1.3", "--feature-gates=InitialCorruptCheck=true"],
      lacks: "experimental",
    },
  ];
  test.each(rows)("$version", ({ version, has, lacks }) => {
    const args = etcdArguments(plan, version, 1);
    expect(args).toEqual(expect.arrayContaining(has));
    expect(args.some((arg) => arg.includes(lacks))).toBe(false);
  });
});

test("everyone who connects shows a certificate of etcd's CA", () => {
  const args = etcdArguments(plan, v34, 1);
  for (const flag of ["--client-cert-auth=true", "--peer-client-cert-auth=true", "--trusted-ca-file=/d/ca.pem"])
    expect(args).toContain(flag);
});
