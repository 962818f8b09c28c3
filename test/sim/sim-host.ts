import type { Runtime } from "../../agent/runtime/runtime.js";
import type { FaultSource } from "./faults.js";
import type { SimProcess } from "./sim-clock.js";

/**
 * What a process has of its host (runtime, kernel, disk), one edge of it: a call takes time there and back and may kill the process before or after it
 * took effect, and nothing reaches a host from a process that is dead or paused. For edges all of whose methods return promises.
 */
export function hostEdge<T extends object>(
  edge: T,
  {
    process,
    faults,
    onCall,
  }: { readonly process: SimProcess; readonly faults: FaultSource; readonly onCall: () => void },
): T {
  const pass = (): Promise<void> =>
    new Promise((resolve) => {
      process.after(faults.hostDelayMs(), resolve);
    });
  const carry = async (act: () => Promise<unknown>): Promise<unknown> => {
    await pass();
    if (faults.strikes("crashAtHostCall")) return crash(act);
    const answer = await act().finally(onCall);
    await pass();
    return answer;
  };
  const crash = (act: () => Promise<unknown>): Promise<never> => {
    if (faults.isAfterEffect())
      void act()
        .catch(() => undefined)
        .finally(onCall);
    process.kill();
    return new Promise(() => undefined);
  };
  return new Proxy(edge, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => carry(async () => Reflect.apply(member, target, args));
    },
  });
}

/** A host's runtime as one process sees it; what it tells by itself reaches the process only while it is alive. */
export function hostRuntime(
  runtime: Runtime,
  parts: { readonly process: SimProcess; readonly faults: FaultSource; readonly onCall: () => void },
): Runtime {
  const edge = hostEdge(runtime, parts);
  const onChange = (listener: (podUid: string) => void): void =>
    runtime.onChange((podUid) => parts.process.deliver(() => listener(podUid)));
  parts.process.onDeath(() => void runtime.close());
  return new Proxy(edge, {
    get: (target, name): unknown => (name === "onChange" ? onChange : Reflect.get(target, name)),
  });
}
