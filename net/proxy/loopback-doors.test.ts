import fc from "fast-check";
import { expect, test } from "vitest";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import type { HostPort, PodLink } from "../node-network.js";
import { hostPortsByAddress } from "./host-ports.js";
import { doorsOf, LoopbackDoors } from "./loopback-doors.js";

const port = (hostPort: number, change: Partial<HostPort> = {}): HostPort => ({
  ...{ protocol: "TCP", hostIP: "::1", hostPort, containerPort: 80 },
  ...change,
});
const link = (
  uid: string,
  hostPorts: readonly HostPort[],
  address = `10.128.1.${uid.charCodeAt(0) - 90}`,
): PodLink => ({
  ...{ uid, address, hostPorts },
});

test("doors are for TCP and UDP at ::1 alone, and of two pods that want one the first by uid has it", () => {
  const links = [
    link("b", [port(1), port(2, { protocol: "UDP" })]),
    link("a", [port(1), port(3, { hostIP: "127.0.0.1" }), port(4, { hostIP: "" }), port(5, { protocol: "SCTP" })]),
    link("c", [port(6)], ""),
  ];
  expect(doorsOf(links)).toEqual([
    { protocol: "tcp", port: 1, address: "10.128.1.7", toPort: 80 },
    { protocol: "udp", port: 2, address: "10.128.1.8", toPort: 80 },
  ]);
});

test("the next agent knows pods' ports of ::1 by the doors that are open", async () => {
  const kernel = new SimulatedKernel([]);
  await new LoopbackDoors(kernel).set([link("a", [port(1), port(2, { protocol: "UDP" })])]);
  expect([...hostPortsByAddress(await new LoopbackDoors(kernel).held())]).toEqual([
    ["10.128.1.7", [port(1), port(2, { protocol: "UDP" })]],
  ]);
});

test("a port of somebody else's is told, and had once it is free", async () => {
  const kernel = new SimulatedKernel([]);
  kernel.takenDoors.add("tcp 1");
  const doors = new LoopbackDoors(kernel);
  await doors.set([link("a", [port(1), port(2)])]);
  expect([...kernel.doors.keys()]).toEqual(["tcp 2"]);
  expect(doors.problems).toEqual(["[::1]:1/tcp is somebody else's"]);
  expect(await doors.bring()).toBe(0);
  kernel.takenDoors.clear();
  expect(await doors.bring()).toBe(1);
  expect(doors.problems).toEqual([]);
});

test("a port at which no program comes up is not said to be somebody else's", async () => {
  const kernel = new SimulatedKernel([]);
  kernel.openDoors = async (doors) => doors.map((door) => ({ ...door, isTaken: false }));
  const doors = new LoopbackDoors(kernel);
  await doors.set([link("a", [port(1)])]);
  expect(doors.problems).toEqual(["[::1]:1/tcp cannot be opened: socat, which is to listen there, does not come up"]);
});

test("after any changes of pods exactly their doors are open, whatever died meanwhile", async () => {
  const links = fc.uniqueArray(
    fc.record({
      uid: fc.constantFrom("a", "b", "c"),
      ports: fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom<"TCP" | "UDP">("TCP", "UDP")), {
        maxLength: 3,
      }),
    }),
    { selector: ({ uid }) => uid },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(links, fc.boolean()), { minLength: 1, maxLength: 5 }), async (steps) => {
      const kernel = new SimulatedKernel([]);
      const doors = new LoopbackDoors(kernel);
      for (const [wanted, dies] of steps) {
        if (dies) kernel.doors.clear();
        const all = wanted.map(({ uid, ports }) =>
          link(
            uid,
            ports.map(([at, protocol]) => port(at, { protocol })),
          ),
        );
        await doors.set(all);
        const byName = (one: { protocol: string; port: number }): string => `${one.port} ${one.protocol}`;
        expect([...kernel.doors.values()].map(byName).sort()).toEqual(doorsOf(all).map(byName).sort());
        expect(await doors.bring()).toBe(0);
      }
    }),
  );
});
