import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { hostsFile, podHostname, resolvConf } from "./pod-files.js";

type Spec = NonNullable<Parameters<typeof Pod.fromPartial>[0]["spec"]>;
const pod = (spec: Spec): Pod => Pod.fromPartial({ metadata: { name: "web-0", namespace: "shop" }, spec });
const names = {
  dnsAddress: "10.96.0.10",
  clusterDomain: "cluster.local",
  hostResolvConf: "# host\nnameserver 9.9.9.9\nsearch corp.example\noptions timeout:2 rotate\n",
};
const cluster = "search shop.svc.cluster.local svc.cluster.local cluster.local corp.example";

// dnsPolicy by dnsPolicy, as Kubernetes documents them.
const rows: readonly { readonly name: string; readonly spec: Spec; readonly want: readonly string[] }[] = [
  { name: "ClusterFirst", spec: {}, want: ["nameserver 10.96.0.10", cluster, "options ndots:5"] },
  {
    name: "ClusterFirst on the host's network asks the host's resolver",
    spec: { hostNetwork: true },
    want: ["nameserver 9.9.9.9", "search corp.example", "options timeout:2 rotate"],
  },
  {
    name: "ClusterFirstWithHostNet",
    spec: { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" },
    want: ["nameserver 10.96.0.10", cluster, "options ndots:5"],
  },
  {
    name: "Default",
    spec: { dnsPolicy: "Default" },
    want: ["nameserver 9.9.9.9", "search corp.example", "options timeout:2 rotate"],
  },
  {
    name: "None",
    spec: {
      dnsPolicy: "None",
      dnsConfig: { nameservers: ["1.1.1.1"], searches: ["x.y"], options: [{ name: "edns0" }] },
    },
    want: ["nameserver 1.1.1.1", "search x.y", "options edns0"],
  },
  {
    name: "dnsConfig is added and its options win",
    spec: {
      dnsConfig: {
        nameservers: ["1.1.1.1", "10.96.0.10"],
        searches: ["x.y"],
        options: [{ name: "ndots", value: "2" }],
      },
    },
    want: ["nameserver 10.96.0.10", "nameserver 1.1.1.1", `${cluster} x.y`, "options ndots:2"],
  },
];

for (const { name, spec, want } of rows) {
  test(`resolv.conf: ${name}`, () => {
    expect(resolvConf(pod(spec), names)).toBe(`${want.join("\n")}\n`);
  });
}

test("hosts has the pod and its aliases", () => {
  const spec = { hostAliases: [{ ip: "10.0.0.9", hostnames: ["db", "db.local"] }] };
  const place = { addresses: ["10.128.0.2", "fd00::a80:2"], hostname: "web-0", clusterDomain: "cluster.local" };
  const lines = hostsFile(pod(spec), place).split("\n");
  expect(lines).toContain("10.128.0.2\tweb-0");
  expect(lines).toContain("fd00::a80:2\tweb-0");
  expect(lines).toContain("10.0.0.9\tdb\tdb.local");
  expect(hostsFile(pod({ subdomain: "web" }), place)).toContain(
    "10.128.0.2\tweb-0.web.shop.svc.cluster.local\tweb-0\n",
  );
});

test("the hostname is asked for, the pod's name cut to what the kernel takes, or the host's", () => {
  expect(podHostname(pod({ hostname: "db" }), "host")).toBe("db");
  const long = Pod.fromPartial({ metadata: { name: `${"a".repeat(62)}-b` } });
  expect(podHostname(long, "host")).toBe("a".repeat(62));
  expect(podHostname(pod({ hostNetwork: true }), "host")).toBe("host");
});
