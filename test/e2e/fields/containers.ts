import { expect } from "vitest";
import { waitFor } from "../../kit/wait.js";
import { type FieldRow, HOSTS, isReady, isRunning, once, runs, STAYS, waitsFor } from "./field-row.js";

const configMap = (name: string, data: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });
const secret = (name: string, stringData: object) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  stringData,
});
const fieldRef = (name: string, fieldPath: string) => ({
  name,
  valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } },
});

/**
 * Shows each request and then answers it with 200, until it is told to end. In this order: a hook is over once it has its answer, and what was not shown before the
 * signal that follows never is.
 */
const SHOWS_REQUESTS = [
  "trap 'exit 0' TERM; exec 3>&1",
  `answer='while read -r line && test \${#line} -gt 1; do echo "$line" >&3; done; printf "HTTP/1.0 200 OK\\r\\n\\r\\n"'`,
  'while :; do nc -l -p 9000 -e sh -c "$answer" & wait $!; done',
].join("; ");

/** What containers are told, and what they do when. */
export const CONTAINER_ROWS: readonly FieldRow[] = [
  {
    title: "a container runs its command with its arguments in its folder",
    proves: [
      "PodSpec.containers",
      "Container.name",
      "Container.image",
      "Container.command",
      "Container.args",
      "Container.workingDir",
    ],
    name: "command",
    spec: {
      restartPolicy: "Never",
      containers: [
        {
          ...{ name: "main", image: "tallship/hello:1", workingDir: "/tmp" },
          ...{ command: ["sh", "-c"], args: ["pwd; echo says $0 $1", "zero", "one"] },
        },
      ],
    },
    says: [/^\/tmp$/m, /^says zero one$/m],
  },
  {
    title: "variables are what they say, refer to each other, and come from the pod, its bounds, configs and secrets",
    proves: [
      ...["Container.env", "EnvVar.name", "EnvVar.value", "EnvVar.valueFrom", "EnvVarSource.fieldRef"],
      ...["ObjectFieldSelector.apiVersion", "ObjectFieldSelector.fieldPath", "EnvVarSource.resourceFieldRef"],
      ...["ResourceFieldSelector.containerName", "ResourceFieldSelector.resource", "ResourceFieldSelector.divisor"],
      ...[
        "EnvVarSource.configMapKeyRef",
        "EnvVarSource.secretKeyRef",
        "KeySelector.name",
        "KeySelector.key",
        "KeySelector.optional",
      ],
      ...["Container.envFrom", "EnvFromSource.prefix", "EnvFromSource.configMapRef", "EnvFromSource.secretRef"],
      ...["ConfigMapEnvSource.name", "ConfigMapEnvSource.optional", "SecretEnvSource.name", "SecretEnvSource.optional"],
      ...["Container.resources", "ResourceRequirements.limits", "ResourceRequirements.requests"],
    ],
    name: "variables",
    metadata: { labels: { tier: "gold" } },
    beside: [configMap("settings", { GREETING: "hello" }), secret("keys", { TOKEN: "sesame" })],
    spec: once("env | sort", {
      container: {
        resources: { limits: { cpu: "500m", memory: "64Mi" }, requests: { cpu: "100m" } },
        envFrom: [
          { prefix: "S_", configMapRef: { name: "settings" } },
          { secretRef: { name: "keys" } },
          { configMapRef: { name: "none", optional: true } },
          { secretRef: { name: "none", optional: true } },
        ],
        env: [
          { name: "PLAIN", value: "a" },
          { name: "REFERS", value: "$(PLAIN)-$$(PLAIN)" },
          fieldRef("POD", "metadata.name"),
          fieldRef("TIER", "metadata.labels['tier']"),
          fieldRef("HOST", "spec.nodeName"),
          { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
          { name: "ASKED", valueFrom: { resourceFieldRef: { resource: "requests.cpu", divisor: "1m" } } },
          {
            name: "MIB",
            valueFrom: { resourceFieldRef: { containerName: "main", resource: "limits.memory", divisor: "1Mi" } },
          },
          { name: "GREETS", valueFrom: { configMapKeyRef: { name: "settings", key: "GREETING" } } },
          { name: "OPENS", valueFrom: { secretKeyRef: { name: "keys", key: "TOKEN" } } },
          { name: "ABSENT", valueFrom: { configMapKeyRef: { name: "settings", key: "none", optional: true } } },
        ],
      },
    }),
    says: [
      ...[/^PLAIN=a$/m, /^REFERS=a-\$\(PLAIN\)$/m, /^POD=variables$/m, /^TIER=gold$/m, /^HOST=host[12]$/m],
      ...[
        /^CPU=500$/m,
        /^ASKED=100$/m,
        /^MIB=64$/m,
        /^GREETS=hello$/m,
        /^OPENS=sesame$/m,
        /^S_GREETING=hello$/m,
        /^TOKEN=sesame$/m,
      ],
      /^(?![\s\S]*^ABSENT=)/,
    ],
  },
  {
    title: "a port of the container is one of the node, at that address alone, and has a name for probes",
    proves: [
      ...["Container.ports", "ContainerPort.name", "ContainerPort.containerPort", "ContainerPort.hostPort"],
      ...["ContainerPort.hostIP", "ContainerPort.protocol", "IntOrString.strVal", "PodSpec.nodeName"],
    ],
    name: "ports",
    spec: {
      nodeName: HOSTS.first,
      containers: [
        {
          ...{
            name: "main",
            image: "tallship/hello:1",
            command: ["/bin/serve"],
            env: [{ name: "PORT", value: "8080" }],
          },
          ports: [{ name: "web", containerPort: 8080, hostPort: 4180, hostIP: "127.0.0.1", protocol: "TCP" }],
          readinessProbe: { httpGet: { path: "/", port: "web" }, periodSeconds: 1 },
        },
      ],
    },
    until: isReady,
    looks: { spec: { nodeName: HOSTS.first } },
    afterwards: async ({ onHost, testbed }) => {
      await waitFor("the node's port to answer", async () =>
        (await onHost(HOSTS.first, "curl", "-s", "http://127.0.0.1:4180/")).includes("ports"),
      );
      const address = testbed.host(HOSTS.first).address;
      expect(await onHost(HOSTS.second, "curl", "-s", "-m", "1", `http://${address}:4180/`)).toBe("");
    },
  },
  {
    title: "a container's own restart policy goes before the pod's, and what it shares outlives its runs",
    proves: [
      "Container.restartPolicy",
      "PodSpec.restartPolicy",
      "Volume.emptyDir",
      "PodSpec.volumes",
      "Volume.name",
      "Container.volumeMounts",
      "VolumeMount.name",
      "VolumeMount.mountPath",
    ],
    name: "restarts",
    spec: once("test -e /kept/x && exit 0; touch /kept/x; exit 3", {
      container: { restartPolicy: "OnFailure", volumeMounts: [{ name: "kept", mountPath: "/kept" }] },
      volumes: [{ name: "kept", emptyDir: {} }],
    }),
    looks: { status: { containerStatuses: [{ restartCount: 1 }] } },
  },
  {
    title: "an image that must be there already is not pulled",
    proves: ["Container.imagePullPolicy"],
    name: "pulls-never",
    spec: { containers: [{ name: "main", image: "tallship/none:1", imagePullPolicy: "Never" }] },
    until: waitsFor("ErrImageNeverPull"),
  },
  {
    title: "a terminal is there for who asks for one, with its input open",
    proves: ["Container.tty"],
    name: "terminal",
    spec: {
      restartPolicy: "Never",
      containers: [
        {
          name: "main",
          image: "tallship/hello:1",
          stdin: true,
          tty: true,
          command: ["sh", "-c", "test -t 0 && test -t 1 && tty"],
        },
      ],
    },
    says: [/\/dev\/(pts\/|console)/],
  },
  {
    title: "input stays open for who attaches, and is closed after the first where that is asked for",
    proves: ["Container.stdin", "Container.stdinOnce"],
    name: "input",
    spec: {
      restartPolicy: "Never",
      containers: [
        runs("cat; echo over", { stdin: true, stdinOnce: true }),
        runs("cat; echo over", { name: "empty" }),
        runs("cat; echo over", { name: "open", stdin: true, restartPolicy: "Always" }),
      ],
    },
    until: ({ status: { containerStatuses: all = [] } }) =>
      all.length === 3 &&
      all.every(({ state }) => state.waiting === undefined) &&
      all.some(({ state }) => state.terminated !== undefined),
    afterwards: async ({ testbed, log, seen }) => {
      expect(seen.status.containerStatuses?.map(({ state }) => state.running !== undefined)).toEqual([
        true,
        false,
        true,
      ]);
      await testbed.tsctl(["attach", "-i", "input", "-c", "main"], { input: "typed by hand\n" });
      await waitFor("it to end", async () => /typed by hand\n[\s\S]*over/.test(await log()));
    },
  },
  {
    title: "what runs after the start: a command in the container, a request, a connection; and each is waited for",
    proves: [
      ...[
        "Container.lifecycle",
        "Lifecycle.postStart",
        "LifecycleHandler.exec",
        "LifecycleHandler.httpGet",
        "LifecycleHandler.tcpSocket",
      ],
      ...[
        "ExecAction.command",
        "HTTPGetAction.path",
        "HTTPGetAction.port",
        "HTTPGetAction.httpHeaders",
        "HTTPHeader.name",
        "HTTPHeader.value",
        "IntOrString.intVal",
        "TCPSocketAction.port",
      ],
    ],
    name: "after-start",
    spec: {
      terminationGracePeriodSeconds: 2,
      initContainers: [
        runs(`(nc -l -p 9001; echo somebody came) & ${SHOWS_REQUESTS}`, {
          ...{ name: "answers", restartPolicy: "Always" },
          startupProbe: {
            exec: { command: ["sh", "-c", "netstat -ltn | grep :9000 && netstat -ltn | grep :9001"] },
            periodSeconds: 1,
          },
        }),
      ],
      containers: [
        runs(`until test -e /tmp/posted; do sleep 0.1; done; echo posted; ${STAYS}`, {
          lifecycle: { postStart: { exec: { command: ["touch", "/tmp/posted"] } } },
        }),
        runs(STAYS, {
          name: "asks",
          lifecycle: {
            postStart: { httpGet: { path: "/started", port: 9000, httpHeaders: [{ name: "X-Who", value: "me" }] } },
          },
        }),
        runs(STAYS, { name: "meets", lifecycle: { postStart: { tcpSocket: { port: 9001 } } } }),
      ],
    },
    until: isReady,
    says: [/^posted$/m, /GET \/started HTTP/, /X-Who: me/i, /somebody came/],
  },
  {
    title: "what runs before the stop: a command, a request, a wait; then the signal that is asked for",
    proves: ["Lifecycle.preStop", "LifecycleHandler.sleep", "SleepAction.seconds", "Lifecycle.stopSignal"],
    name: "pre-stop",
    spec: {
      terminationGracePeriodSeconds: 10,
      containers: [
        runs("trap 'echo usr1 came; exit 0' USR1; echo heeds USR1; while :; do sleep 0.1; done", {
          lifecycle: { stopSignal: "SIGUSR1" },
        }),
        runs(STAYS, {
          name: "told",
          lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo last words > /proc/1/fd/1"] } } },
        }),
        runs(SHOWS_REQUESTS, {
          ...{ name: "asked", lifecycle: { preStop: { httpGet: { path: "/stopping", port: 9000 } } } },
          readinessProbe: { exec: { command: ["sh", "-c", "netstat -ltn | grep :9000"] }, periodSeconds: 1 },
        }),
        runs("trap 'date +%s; exit 0' TERM; echo heeds TERM; while :; do sleep 0.1; done", {
          name: "slow",
          lifecycle: { preStop: { sleep: { seconds: 2 } } },
        }),
      ],
    },
    until: isReady,
    says: [/^heeds USR1$/m, /^heeds TERM$/m],
    afterwards: async ({ testbed, log, onHost }) => {
      const from = Number(await onHost(HOSTS.first, "date", "+%s"));
      await testbed.tsctl(["delete", "pod", "pre-stop"]);
      const said = await log();
      for (const want of [/usr1 came/, /last words/, /GET \/stopping HTTP/]) expect(said).toMatch(want);
      expect(Number(/^(\d{10})$/m.exec(said)?.[1]) - from).toBeGreaterThanOrEqual(2);
    },
  },
  {
    title: "a container that is added to a running pod looks at the one that it names",
    proves: ["PodSpec.ephemeralContainers", "Container.targetContainerName"],
    name: "looked-at",
    spec: { terminationGracePeriodSeconds: 1, containers: [runs(STAYS, { args: ["here"] })] },
    until: isRunning,
    afterwards: async ({ testbed }) => {
      const said = await testbed.tsctl([
        "debug",
        "-i",
        "looked-at",
        "--image=tallship/hello:1",
        "--target=main",
        "--",
        "sh",
        "-c",
        "grep -c sleep /proc/1/cmdline",
      ]);
      expect(said).toMatch(/^1$/m);
    },
  },
];
