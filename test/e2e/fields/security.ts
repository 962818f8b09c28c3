import { type FieldRow, once, runs, waitsFor } from "./field-row.js";

/** What processes may do. */
export const SECURITY_ROWS: readonly FieldRow[] = [
  {
    title: "processes have the pod's user and groups, volumes its group, and a container's own go before",
    proves: [
      ...[
        "PodSpec.securityContext",
        "PodSecurityContext.runAsUser",
        "PodSecurityContext.runAsGroup",
        "PodSecurityContext.supplementalGroups",
        "PodSecurityContext.fsGroup",
      ],
      ...["Container.securityContext", "SecurityContext.runAsUser", "SecurityContext.runAsGroup"],
    ],
    name: "ids",
    spec: {
      restartPolicy: "Never",
      securityContext: { runAsUser: 1234, runAsGroup: 2345, supplementalGroups: [3456], fsGroup: 4567 },
      volumes: [{ name: "shared", emptyDir: {} }],
      containers: [
        runs("echo pod $(id -u) $(id -G); touch /shared/x && stat -c 'file %u %g' /shared/x; ls -ldn /shared", {
          volumeMounts: [{ name: "shared", mountPath: "/shared" }],
        }),
        runs("echo own $(id -u) $(id -g)", { name: "own", securityContext: { runAsUser: 77, runAsGroup: 88 } }),
      ],
    },
    says: [/^pod 1234 2345 (3456 4567|4567 3456)$/m, /^file 1234 4567$/m, /^own 77 88$/m],
  },
  {
    title: "root is refused where the pod or the container says so",
    proves: ["PodSecurityContext.runAsNonRoot", "SecurityContext.runAsNonRoot"],
    name: "not-root",
    spec: {
      restartPolicy: "Never",
      securityContext: { runAsNonRoot: true },
      containers: [runs("true"), runs("true", { name: "own", securityContext: { runAsNonRoot: false } })],
    },
    until: waitsFor("CreateContainerConfigError"),
  },
  {
    title: "capabilities are the default ones, with those added and without those dropped",
    proves: ["SecurityContext.capabilities", "Capabilities.add", "Capabilities.drop"],
    name: "capabilities",
    spec: once("grep CapEff /proc/self/status", {
      container: { securityContext: { capabilities: { drop: ["ALL"], add: ["CHOWN"] } } },
    }),
    says: [/^CapEff:\s+0000000000000001$/m],
  },
  {
    title: "a privileged container may mount",
    proves: ["SecurityContext.privileged"],
    name: "privileged",
    spec: {
      restartPolicy: "Never",
      containers: [
        runs("mount -t tmpfs x /tmp && echo mounted; grep Seccomp: /proc/self/status", {
          securityContext: { privileged: true },
        }),
        runs("mount -t tmpfs x /tmp || echo refused", { name: "plain" }),
      ],
    },
    says: [/^mounted$/m, /^refused$/m, /^Seccomp:\s+0$/m],
  },
  {
    title: "a root file system that is read-only takes nothing",
    proves: ["SecurityContext.readOnlyRootFilesystem"],
    name: "read-only-root",
    spec: once("touch /x || true", { container: { securityContext: { readOnlyRootFilesystem: true } } }),
    says: [/\/x: Read-only file system/],
  },
  {
    title: "rights do not grow, unless the container asks that they may",
    proves: ["SecurityContext.allowPrivilegeEscalation"],
    name: "escalation",
    spec: {
      restartPolicy: "Never",
      containers: [
        runs("echo default $(grep NoNewPrivs /proc/self/status)"),
        runs("echo asked $(grep NoNewPrivs /proc/self/status)", {
          name: "asks",
          securityContext: { allowPrivilegeEscalation: true },
        }),
      ],
    },
    says: [/^default NoNewPrivs: 1$/m, /^asked NoNewPrivs: 0$/m],
  },
  {
    title: "system calls are filtered as the pod says, and as the container says before it",
    proves: ["PodSecurityContext.seccompProfile", "SecurityContext.seccompProfile", "SeccompProfile.type"],
    name: "filtered",
    spec: {
      restartPolicy: "Never",
      securityContext: { seccompProfile: { type: "Unconfined" } },
      containers: [
        runs("echo pod $(grep Seccomp: /proc/self/status)"),
        runs("echo own $(grep Seccomp: /proc/self/status)", {
          name: "own",
          securityContext: { seccompProfile: { type: "RuntimeDefault" } },
        }),
      ],
    },
    says: [/^pod Seccomp: 0$/m, /^own Seccomp: 2$/m],
  },
  {
    title: "kernel settings of the pod's network are its own",
    proves: ["PodSecurityContext.sysctls", "Sysctl.name", "Sysctl.value"],
    name: "sysctls",
    spec: once("cat /proc/sys/net/ipv4/ip_unprivileged_port_start", {
      securityContext: { sysctls: [{ name: "net.ipv4.ip_unprivileged_port_start", value: "77" }] },
    }),
    says: [/^77$/m],
  },
];
