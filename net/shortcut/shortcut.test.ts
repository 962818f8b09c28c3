import { expect, test } from "vitest";
import { TallshipError } from "../../lib/errors.js";
import { silentLog } from "../../lib/log.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { podDevice } from "../device-names.js";
import { Shortcut } from "./shortcut.js";
import type { ShortcutKernel } from "./shortcut-kernel.js";
import type { ShortcutLink } from "./shortcut-text.js";

const ETH0: ShortcutLink = { device: "eth0", podMtu: 1_450, directRanges: [] };

/** A kernel whose devices are what the test says; what was asked of it, in order. */
class NotedKernel implements ShortcutKernel {
  readonly asked: string[] = [];
  readonly devices = new Map<string, number>();
  isAnew = true;
  problem: string | undefined;

  async open({ device }: ShortcutLink): Promise<boolean> {
    if (this.problem !== undefined) throw new TallshipError("kernel_failed", this.problem);
    this.asked.push(`open ${device}`);
    const { isAnew } = this;
    this.isAnew = false;
    return isAnew;
  }
  async close(device: string): Promise<void> {
    this.asked.push(`close ${device}`);
  }
  async forget(): Promise<void> {
    this.asked.push("forget");
  }
  async attach(ends: readonly string[]): Promise<void> {
    this.asked.push(`attach ${ends.join(" ")}`);
  }
  async indexes(): Promise<ReadonlyMap<string, number>> {
    return new Map(this.devices);
  }
  async end(): Promise<void> {
    this.asked.push("end");
  }
}

function world() {
  const kernel = new NotedKernel();
  const clock = new ManualClock();
  let link: ShortcutLink | undefined = ETH0;
  const shortcut = new Shortcut({ kernel, clock, log: silentLog, link: async () => link });
  const look = async (): Promise<readonly string[]> => {
    await shortcut.look();
    return kernel.asked.splice(0);
  };
  const setLink = (next: ShortcutLink | undefined): void => {
    link = next;
  };
  return { kernel, clock, shortcut, look, setLink };
}

test("a look attaches what has no programs: devices not seen before, and those made anew under their name", async () => {
  const { kernel, look } = world();
  kernel.devices.set("a", 4).set("b", 5);
  expect(await look()).toEqual(["open eth0", "attach a b"]);
  expect(await look()).toEqual(["open eth0"]);
  kernel.devices.set("b", 9).set("c", 10);
  expect(await look()).toEqual(["open eth0", "attach b c"]);
});

test("other programs are put on every device, and so they are when it is not known which are there", async () => {
  const { kernel, look } = world();
  kernel.devices.set("a", 4);
  await look();
  kernel.isAnew = true;
  expect(await look()).toEqual(["open eth0", "attach a"]);
  kernel.problem = "bpftool is not installed";
  expect(await look()).toEqual([]);
  kernel.problem = undefined;
  expect(await look()).toEqual(["open eth0", "attach a"]);
});

test("a link that carries the overlay no more, or may have no shortcut, is rid of it", async () => {
  const { look, setLink } = world();
  await look();
  setLink({ ...ETH0, device: "eth1" });
  expect(await look()).toEqual(["close eth0", "open eth1"]);
  setLink(undefined);
  expect(await look()).toEqual(["close eth1"]);
  expect(await look()).toEqual([]);
});

test("links just made are attached together, soon, and nothing is once it has stopped", async () => {
  const { kernel, clock, shortcut, look } = world();
  const pod = (uid: string) => ({ uid, address: "10.128.1.9", hostPorts: [] });
  shortcut.add([pod("early")]);
  await look();
  shortcut.add([pod("one")]);
  shortcut.add([{ ...pod("two"), further: [{ interface: "eth1", address: "10.64.0.9" }] }]);
  shortcut.add([{ ...pod("none"), address: "" }]);
  await clock.advance(1_000);
  expect(kernel.asked.splice(0)).toEqual([
    `attach ${podDevice("one")} ${podDevice("two")} ${podDevice("two", "eth1")}`,
  ]);
  shortcut.add([pod("late")]);
  await shortcut.stop();
  await clock.advance(1_000);
  expect(kernel.asked).toEqual(["end"]);
});

test("it tells whether it is open, or why not", async () => {
  const { kernel, clock, shortcut, look, setLink } = world();
  const told: string[] = [];
  shortcut.start((state) => told.push(state));
  await clock.advance(1_000);
  kernel.problem = "bpftool is not installed";
  await look();
  kernel.problem = undefined;
  setLink(undefined);
  await look();
  expect(told).toEqual(["open", "bpftool is not installed", expect.stringContaining("checksums")]);
});

test("what is forbidden is forgotten where the shortcut is open", async () => {
  const { kernel, shortcut, look } = world();
  await shortcut.forget();
  expect(await look()).toEqual(["open eth0"]);
  await shortcut.forget();
  expect(kernel.asked).toEqual(["forget"]);
});
