import { afterEach, beforeEach, expect, test } from "vitest";
import { type ContainerKey, type ContainerSpec, containerId, type Runtime } from "../../agent/runtime/runtime.js";
import { hasCode } from "../../lib/errors.js";
import { waitFor } from "../kit/wait.js";

/** A machine to test a driver on. The commands are `sleep` (for ever), `heed` (for ever, ends on SIGTERM with 143), `exit N`, `nosuch`. */
export interface RuntimeHarness {
  readonly runtime: Runtime;
  spec(key: ContainerKey, command: readonly string[]): ContainerSpec;
  /** Lets time pass where it is simulated. */
  settle(): Promise<void>;
  /** A driver for the same machine, as an agent that was restarted makes it. */
  restarted(): Promise<Runtime>;
  killMonitor(key: ContainerKey): Promise<void>;
  close(): Promise<void>;
}

/** What every runtime driver promises. */
export function runtimeConformance(name: string, makeHarness: () => Promise<RuntimeHarness>): void {
  let harness: RuntimeHarness;
  let runtime: Runtime;
  const key = { podUid: "0a1b2c3d-pod", container: "web", attempt: 0 };

  beforeEach(async () => {
    harness = await makeHarness();
    runtime = harness.runtime;
  });
  afterEach(async () => harness.close());

  const stateOf = async (of: ContainerKey, by: Runtime = runtime) =>
    (await by.list(of.podUid)).find(({ id }) => id === containerId(of))?.state;
  const until = (of: ContainerKey, is: string) =>
    waitFor(`${containerId(of)} to be ${is}`, async () => {
      await harness.settle();
      const state = await stateOf(of);
      return state?.is === is ? state : undefined;
    });
  const run = async (of: ContainerKey, ...command: string[]): Promise<void> => {
    await runtime.create(harness.spec(of, command));
    await runtime.start(of);
  };

  test(`${name}: a created run waits, a started one runs, a removed one leaves no trace`, async () => {
    expect([await runtime.list(), await runtime.pods()]).toEqual([[], []]);
    await runtime.create(harness.spec(key, ["sleep"]));
    expect((await stateOf(key))?.is).toBe("created");
    await runtime.start(key);
    expect((await stateOf(key))?.is).toBe("running");
    expect(await runtime.pods()).toEqual([key.podUid]);
    await runtime.remove(key);
    await runtime.removePod(key.podUid);
    expect([await runtime.list(), await runtime.pods()]).toEqual([[], []]);
  });

  test(`${name}: starting, removing and signalling twice equals doing it once`, async () => {
    await run(key, "sleep");
    await runtime.start(key);
    await runtime.signal(key, "SIGKILL");
    await until(key, "exited");
    await runtime.signal(key, "SIGKILL");
    await runtime.remove(key);
    await runtime.remove(key);
    await runtime.removePod(key.podUid);
    await runtime.removePod(key.podUid);
    expect(await runtime.list()).toEqual([]);
  });

  for (const exitCode of [0, 3, 255]) {
    test(`${name}: a run that ends with ${exitCode} is listed with that code, and listeners hear of its pod`, async () => {
      const heard: string[] = [];
      runtime.onChange((podUid) => heard.push(podUid));
      await run(key, "exit", `${exitCode}`);
      const state = await until(key, "exited");
      expect(state).toMatchObject({ exit: { is: "code", exitCode, isOom: false } });
      await waitFor("the event", () => heard.includes(key.podUid));
    });
  }

  test(`${name}: the stop signal ends a run that heeds it, SIGKILL any`, async () => {
    await run(key, "heed");
    await waitFor("the stop to work", async () => {
      await runtime.signal(key, "SIGTERM");
      return (await stateOf(key))?.is === "exited";
    });
    expect(await stateOf(key)).toMatchObject({ exit: { exitCode: 143 } });
    const second = { ...key, container: "stubborn" };
    await run(second, "sleep");
    await runtime.signal(second, "SIGKILL");
    expect(await until(second, "exited")).toMatchObject({ exit: { exitCode: 137 } });
  });

  test(`${name}: a run whose monitor died is broken, and removing it ends it`, async () => {
    await run(key, "sleep");
    await harness.killMonitor(key);
    expect((await until(key, "broken")).is).toBe("broken");
    await runtime.remove(key);
    expect(await stateOf(key)).toBe(undefined);
    await runtime.removePod(key.podUid);
  });

  test(`${name}: a command that the image lacks is told as such, and what was begun can be removed`, async () => {
    const failure = await runtime.create(harness.spec(key, ["nosuch"])).catch((error: unknown) => error);
    expect(hasCode(failure, "command_not_found")).toBe(true);
    // What watched over the run may need a moment to end.
    await waitFor("the run to be broken or gone", async () => ((await stateOf(key))?.is ?? "broken") === "broken");
    await runtime.remove(key);
    await runtime.removePod(key.podUid);
    expect(await runtime.list()).toEqual([]);
  });

  test(`${name}: a restarted driver finds running and ended runs as they are`, async () => {
    const second = { ...key, container: "job" };
    await run(key, "sleep");
    await run(second, "exit", "5");
    await until(second, "exited");
    const before = await runtime.list(key.podUid);
    await runtime.close();
    const again = await harness.restarted();
    expect(await again.list(key.podUid)).toEqual(before);
    expect((await again.list()).map(({ container }) => container)).toEqual(["job", "web"]);
  });

  test(`${name}: runs of one pod and attempts of one container are listed in order`, async () => {
    for (const container of ["b", "a"]) await run({ ...key, container }, "sleep");
    await run({ ...key, container: "a", attempt: 1 }, "sleep");
    const listed = (await runtime.list(key.podUid)).map(({ container, attempt }) => `${container}.${attempt}`);
    expect(listed).toEqual(["a.0", "a.1", "b.0"]);
  });

  test(`${name}: a paused run stands still, also for a restarted driver, heeds no signal, and goes on where it was`, async () => {
    await run(key, "heed");
    const before = await stateOf(key);
    await runtime.pause(key);
    await runtime.pause(key);
    expect(await stateOf(key)).toEqual({ ...before, isPaused: true });
    await runtime.signal(key, "SIGTERM");
    const again = await harness.restarted();
    expect(await stateOf(key, again)).toEqual({ ...before, isPaused: true });
    await again.unpause(key);
    await again.unpause(key);
    expect((await stateOf(key, again))?.is).not.toBe("broken");
    await waitFor("the stop to work", async () => {
      await again.signal(key, "SIGTERM");
      return (await stateOf(key, again))?.is === "exited";
    });
  });

  test(`${name}: a paused run can be removed`, async () => {
    await run(key, "sleep");
    await runtime.pause(key);
    await runtime.remove(key);
    await runtime.removePod(key.podUid);
    expect([await runtime.list(), await runtime.pods()]).toEqual([[], []]);
  });

  test(`${name}: stats tell of each run that runs`, async () => {
    await run(key, "sleep");
    const [stats] = await runtime.stats(key.podUid);
    expect(stats).toMatchObject({ container: "web", attempt: 0, oomCount: 0 });
    expect(stats?.pidCount).toBeGreaterThan(0);
  });
}
