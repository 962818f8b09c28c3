import { expect } from "vitest";
import { waitFor } from "../../kit/wait.js";
import { type FieldRow, HOSTS, isReady, isRunning, once, runs, STAYS } from "./field-row.js";

const headless = (name: string) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec: { clusterIP: "None", selector: { app: name }, ports: [{ port: 80 }] },
});

const namespaceOf = async (kind: string, onHost: (host: string, ...command: string[]) => Promise<string>) =>
  (await onHost(HOSTS.first, "readlink", `/proc/self/ns/${kind}`)).trim();

/** What the pod as a whole is told. */
export const POD_ROWS: readonly FieldRow[] = [
  {
    title: "who does not heed the stop signal is killed when the pod's grace is over",
    proves: ["PodSpec.terminationGracePeriodSeconds"],
    name: "stubborn",
    spec: {
      terminationGracePeriodSeconds: 2,
      containers: [runs("trap '' TERM; echo deaf; while :; do sleep 0.1; done")],
    },
    until: isRunning,
    says: [/^deaf$/m],
    afterwards: async ({ testbed }) => {
      const from = performance.now();
      await testbed.tsctl(["delete", "pod", "stubborn"]);
      const tookMs = performance.now() - from;
      expect(tookMs).toBeGreaterThan(2_000);
      // Less than the thirty seconds of who does not say.
      expect(tookMs).toBeLessThan(25_000);
    },
  },
  {
    title: "init containers end before the others begin",
    proves: ["PodSpec.initContainers"],
    name: "prepared",
    spec: {
      restartPolicy: "Never",
      volumes: [{ name: "shared", emptyDir: {} }],
      initContainers: [
        runs("sleep 0.3; echo ready > /shared/x", {
          name: "first",
          volumeMounts: [{ name: "shared", mountPath: "/shared" }],
        }),
      ],
      containers: [runs("cat /shared/x", { volumeMounts: [{ name: "shared", mountPath: "/shared" }] })],
    },
    says: [/^ready$/m],
  },
  {
    title: "a resolver of one's own is what the pod says and nothing else",
    proves: [
      ...["PodSpec.dnsPolicy", "PodSpec.dnsConfig", "PodDNSConfig.nameservers", "PodDNSConfig.searches"],
      ...["PodDNSConfig.options", "PodDNSConfigOption.name", "PodDNSConfigOption.value"],
    ],
    name: "resolver",
    spec: once("cat /etc/resolv.conf; wc -l < /etc/resolv.conf", {
      dnsPolicy: "None",
      dnsConfig: {
        nameservers: ["192.0.2.53"],
        searches: ["example.org"],
        options: [{ name: "ndots", value: "2" }, { name: "rotate" }],
      },
    }),
    says: [/^nameserver 192\.0\.2\.53$/m, /^search example\.org$/m, /^options ndots:2 rotate$/m, /^3$/m],
  },
  {
    title: "names of one's own are in /etc/hosts",
    proves: ["PodSpec.hostAliases", "HostAlias.ip", "HostAlias.hostnames"],
    name: "aliases",
    spec: once("cat /etc/hosts", { hostAliases: [{ ip: "192.0.2.7", hostnames: ["db.example", "db"] }] }),
    says: [/^192\.0\.2\.7\s+db\.example\s+db$/m],
  },
  {
    title: "the hostname is what the pod asks for, as a whole name where it asks for that",
    proves: ["PodSpec.hostname", "PodSpec.subdomain", "PodSpec.setHostnameAsFQDN"],
    name: "named",
    metadata: { labels: { app: "boxes" } },
    beside: [headless("boxes")],
    spec: once("hostname; cat /etc/hosts", { hostname: "box", subdomain: "boxes", setHostnameAsFQDN: true }),
    says: [/^box\.boxes\.default\.svc\.cluster\.local$/m, /\sbox\.boxes\.default\.svc\.cluster\.local\s+box$/m],
  },
  {
    title: "a pod has the host's network, processes and IPC where it asks for them",
    proves: ["PodSpec.hostNetwork", "PodSpec.hostPID", "PodSpec.hostIPC"],
    name: "of-the-host",
    spec: once("for n in net pid ipc uts; do readlink /proc/self/ns/$n; done", {
      ...{ nodeName: HOSTS.first, hostNetwork: true, hostPID: true, hostIPC: true },
    }),
    says: [/^uts:/m],
    afterwards: async ({ onHost, log }) => {
      const said = await log();
      for (const kind of ["net", "ipc"]) expect(said).toContain(await namespaceOf(kind, onHost));
      expect(said).toMatch(/^pid:/m);
    },
  },
  {
    title: "a pod without them has none of them",
    proves: ["PodSpec.shareProcessNamespace"],
    name: "of-its-own",
    spec: {
      ...{ nodeName: HOSTS.first, shareProcessNamespace: true, terminationGracePeriodSeconds: 1 },
      containers: [
        runs(`for n in net pid ipc; do readlink /proc/self/ns/$n; done; ${STAYS}`),
        runs(
          "until pgrep -f 'sh -c exec 2>&1; for n in' > /dev/null 2>&1 || grep -l 'for n in' /proc/[0-9]*/cmdline > /dev/null; do sleep 0.1; done; echo seen; sleep 1000",
          { name: "looks" },
        ),
      ],
    },
    until: isRunning,
    afterwards: async ({ onHost, log }) => {
      await waitFor("one to see the other", async () => /^seen$/m.test(await log()));
      const said = await log();
      for (const kind of ["net", "pid", "ipc"]) expect(said).not.toContain(await namespaceOf(kind, onHost));
    },
  },
  {
    title: "services are variables, unless the pod does not want that",
    proves: ["PodSpec.enableServiceLinks"],
    name: "unlinked",
    beside: [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "links" },
        spec: { selector: { app: "x" }, ports: [{ port: 80 }] },
      },
    ],
    spec: once("env | grep -c LINKS_SERVICE_HOST", {
      enableServiceLinks: false,
      containers: [runs("env | grep -c LINKS_SERVICE_HOST; true")],
    }),
    says: [/^0$/m],
  },
  {
    title: "a pod with a gate is ready once somebody has said so",
    proves: ["PodSpec.readinessGates", "PodReadinessGate.conditionType"],
    name: "gated",
    spec: {
      terminationGracePeriodSeconds: 1,
      readinessGates: [{ conditionType: "example.com/ok" }],
      containers: [runs(STAYS)],
    },
    until: (seen) =>
      seen.status.conditions?.some(({ type, status }) => type === "ContainersReady" && status === "True") === true,
    afterwards: async ({ testbed, seen }) => {
      expect(isReady(seen)).toBe(false);
      const conditions = [{ type: "example.com/ok", status: "True" }];
      await testbed.tsctl([
        "patch",
        "pod",
        "gated",
        "--subresource=status",

        "-p",
        JSON.stringify({ status: { conditions } }),
      ]);
      await testbed.tsctl(["wait", "pod/gated", "--for=condition=Ready", "--timeout=60s"]);
    },
  },
  {
    title: "a pod has its class's priority",
    proves: ["PodSpec.priorityClassName", "PodSpec.priority"],
    name: "prior",
    beside: [{ apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "fields" }, value: 7 }],
    spec: once("true", { priorityClassName: "fields" }),
    looks: { spec: { priority: 7 } },
  },
  {
    title: "a pod says for which operating system it is, and there is one",
    proves: ["PodSpec.os", "PodOS.name"],
    name: "linux",
    spec: once("uname -s", { os: { name: "linux" } }),
    says: [/^Linux$/m],
    afterwards: async ({ testbed }) => {
      const other = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "other-os" },
        spec: once("true", { os: { name: "windows" } }),
      };
      const { exitCode, stderr } = await testbed.tryTsctl(["apply", "-f", "-"], { input: JSON.stringify(other) });
      expect(exitCode).not.toBe(0);
      expect(stderr).toMatch(/os.*linux/);
    },
  },
  {
    title: "a pod goes to the node whose labels it asks for, whatever way it asks",
    proves: [
      ...[
        "PodSpec.nodeSelector",
        "PodSpec.affinity",
        "Affinity.nodeAffinity",
        "NodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
      ],
      ...[
        "NodeSelector.nodeSelectorTerms",
        "NodeSelectorTerm.matchExpressions",
        "NodeSelectorRequirement.key",
        "NodeSelectorRequirement.operator",
        "NodeSelectorRequirement.values",
      ],
    ],
    name: "selects",
    spec: once("true", {
      nodeSelector: { "kubernetes.io/hostname": HOSTS.second },
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "NotIn", values: [HOSTS.first] }] },
            ],
          },
        },
      },
    }),
    looks: { spec: { nodeName: HOSTS.second } },
  },
];
