import { afterEach, describe, expect, test } from "vitest";
import { openTsctlBench, type Ran, type TsctlBench } from "../test/kit/tsctl-bench.js";
import { succeed } from "../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("servers", () => {
  const gone = (run: Ran): void => {
    expect(run.err).toContain('the control plane of context "home" cannot be reached');
    expect(run.err).toContain("tallshipd doctor");
    expect(run.code).toBe(5);
  };

  test("the first that answers is used", async () => {
    bench = await openTsctlBench({ servers: ["x:7443", "a:7443"] });
    expect(await succeed(bench, "version")).toContain("at a:7443");
  });

  test("when none answers, each is named with its reason", async () => {
    bench = await openTsctlBench({ servers: ["x:7443", "y:7443"] });
    const run = await bench.run(["get", "pods"]);
    gone(run);
    expect(run.err).toContain(
      "  x:7443 cannot be reached: nothing listens\n  y:7443 cannot be reached: nothing listens\n",
    );
  });

  test("also when there is only one", async () => {
    bench = await openTsctlBench({ servers: ["x:7443"] });
    gone(await bench.run(["get", "pods"]));
    gone(await bench.run(["scale", "deploy/a", "--replicas=1"]));
  });

  test("the doctor says which is well", async () => {
    bench = await openTsctlBench({ servers: ["x:7443", "a:7443"] });
    const { code, out } = await bench.run(["doctor"]);
    expect(out).toContain('ok   context: "home" with servers x:7443, a:7443\n');
    expect(out).toContain("BAD  server x:7443: x:7443 cannot be reached: nothing listens\n");
    expect(out).toMatch(/ok {3}server a:7443: version 0.1.0, leader a:7443, answered in 0 ms\n/);
    expect(code).toBe(1);
  });
});
