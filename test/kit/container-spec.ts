import { runCgroup } from "../../agent/cgroup/hierarchies.js";
import { capabilityNames } from "../../agent/oci/capabilities.js";
import { ociSpec } from "../../agent/oci/oci-spec.js";
import { type ContainerKey, type ContainerSpec, containerId } from "../../agent/runtime/runtime.js";
import { Container } from "../../proto/gen/tallship/v1/container.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";

/** What a test container is made of beside its key. */
export interface TestContainer {
  readonly command: readonly string[];
  readonly rootPath: string;
  readonly logPath: string;
  readonly rootMount?: ContainerSpec["rootMount"];
  readonly stdin?: ContainerSpec["stdin"];
  /** Group above all pods' groups. */
  readonly cgroupParent: string;
  readonly container?: Parameters<typeof Container.fromPartial>[0];
}

/** The config.json that the agent would write for a container without volumes and with the host's network. */
export function containerSpec(key: ContainerKey, test: TestContainer): ContainerSpec {
  const oci = ociSpec({
    pod: Pod.fromPartial({}),
    container: Container.fromPartial({ name: key.container, ...test.container }),
    command: test.command,
    environment: ["PATH=/bin"],
    workingDir: "/",
    user: { uid: 0, gid: 0, additionalGids: [] },
    rootPath: test.rootPath,
    hostname: "test",
    binds: [],
    netnsPath: undefined,
    cgroupsPath: runCgroup(test.cgroupParent, key),
    oomScoreAdj: undefined,
    host: {
      capabilities: capabilityNames("1fffffffff"),
      architecture: process.arch,
      seccompProfile: () => ({ defaultAction: "SCMP_ACT_ALLOW", architectures: [], syscalls: [] }),
      devices: [],
    },
  });
  return { ...key, oci, rootMount: test.rootMount, logPath: test.logPath, stdin: test.stdin ?? "none" };
}

/** A log file's name for a run. */
export function testLogPath(folder: string, key: ContainerKey): string {
  return `${folder}/logs/${containerId(key)}.log`;
}
