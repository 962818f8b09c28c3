import { runtimeConformance } from "../../../test/conformance/runtime.js";
import { OciMachine } from "../../../test/kit/oci-machine.js";
import type { ContainerKey } from "../runtime.js";

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  sleep: ["sleep", "1000"],
  heed: ["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.05; done"],
};

const command = ([name = "", argument = ""]: readonly string[]): readonly string[] =>
  name === "exit" ? ["sh", "-c", `exit ${argument}`] : (COMMANDS[name] ?? [name]);

runtimeConformance("crun", async () => {
  const machine = new OciMachine();
  let runtime = await machine.start();
  return {
    runtime,
    spec: (key, words) => machine.spec(key, { command: command(words) }),
    settle: async () => undefined,
    restarted: async () => {
      runtime = await machine.start();
      return runtime;
    },
    killMonitor: async (key: ContainerKey) => {
      process.kill(machine.pidOf(key, "conmon.pid"), "SIGKILL");
    },
    close: () => machine.close(runtime),
  };
});
