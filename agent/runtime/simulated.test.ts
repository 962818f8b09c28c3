import { TallshipError } from "../../lib/errors.js";
import { runtimeConformance } from "../../test/conformance/runtime.js";
import { containerSpec } from "../../test/kit/container-spec.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { type Program, SimulatedRuntime } from "./simulated.js";

runtimeConformance("simulated", async () => {
  const clock = new ManualClock();
  const runtime = new SimulatedRuntime({ clock, program });
  return {
    runtime,
    spec: (key, command) => containerSpec(key, { command, rootPath: "/", logPath: "", cgroupParent: "" }),
    settle: () => clock.advance(10),
    restarted: async () => runtime,
    killMonitor: async (key) => runtime.loseMonitor(key),
    close: () => runtime.close(),
  };
});

function program([command, argument]: readonly string[]): Program {
  if (command === "exit") return { heeds: "kill", ends: { afterMs: 5, exitCode: Number(argument) } };
  if (command === "nosuch")
    return { heeds: "kill", refusal: new TallshipError("command_not_found", "create: no such command") };
  return { heeds: command === "heed" ? "stop" : "kill" };
}
