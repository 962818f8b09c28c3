import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { waitFor } from "../test/kit/wait.js";

// Two hosts, a pod on each, a service before the far one; and bad weather between them.
let lab: Lab;
let near: LabPod;
let far: LabPod;

const web = {
  name: "web",
  clusterIP: "10.96.0.50",
  ports: [
    { name: "web", port: 80, targetPort: 8080 },
    { name: "web-udp", port: 80, targetPort: 8080, protocol: "UDP" },
  ],
};
const endpoint = "10.128.2.9";

beforeAll(async () => {
  lab = await makeLab(2);
  await lab.setServices([{ ...web, endpoints: [endpoint] }]);
  near = await lab.host(1).pod("near", 9);
  far = await lab.host(2).pod("far", 9);
  for (const { probe } of [near, far]) {
    await probe.serve("tcp", 8080);
    await probe.serve("udp", 8080);
  }
});
afterAll(() => lab.dispose());
afterEach(async () => {
  await lab.fabric.run("nft delete table netdev weather 2>/dev/null || true");
});

const reaches = async (protocol: "tcp" | "udp"): Promise<boolean> =>
  (await near.probe.ask({ host: web.clusterIP, port: 80, protocol, timeoutMs: 2_000 })) === `far ${near.address}`;

/** Of the open connection, which sends again after longer and longer waits what was lost. */
const talks = async (): Promise<boolean> => (await near.probe.talk()) === "TALKED";

/** What becomes of packets that come from hosts, as rules of the links' ends. */
async function weather(rule: (from: number) => string): Promise<void> {
  const chains = [1, 2].map(
    (from) => `chain c${from} { type filter hook ingress device "p${from}" priority 0; policy accept; ${rule(from)}; }`,
  );
  await lab.fabric.run(`echo '${`table netdev weather {\n${chains.join("\n")}\n}`}' | nft -f -`);
}

/** Who does not reach what: every host and pod asks every pod and the service, by TCP and UDP. */
async function unreached(): Promise<readonly string[]> {
  const askers = [...lab.hosts.map(({ at, probe }) => ({ name: `host ${at}`, probe })), ...named([near, far])];
  const targets = [
    ...[near, far].map(({ uid, address }) => ({ host: address, port: 8080, answers: uid })),
    { host: web.clusterIP, port: 80, answers: "far" },
  ];
  const questions = askers.flatMap(({ name, probe }) =>
    targets.flatMap(({ host, port, answers }) =>
      (["tcp", "udp"] as const).map(async (protocol) => {
        const said = await probe.ask({ host, port, protocol, timeoutMs: 1_000 });
        return said.startsWith(`${answers} `) ? [] : [`${name} to ${host} by ${protocol}: ${said}`];
      }),
    ),
  );
  return (await Promise.all(questions)).flat();
}

const named = (pods: readonly LabPod[]) => pods.map(({ uid, probe }) => ({ name: uid, probe }));

/** What the cluster promises of the time after a fault. */
const HEALED_MS = 5_000;

/** From now on every host and pod reaches every endpoint within five seconds, and the kernel has exactly what it should: nothing of it has to be mended. */
async function healed(): Promise<void> {
  const healedAt = performance.now();
  let missing: readonly string[] = [];
  await waitFor(
    () => `everybody to reach everybody; missing: ${missing.join("; ")}`,
    async () => {
      missing = await unreached();
      return missing.length === 0;
    },
  );
  expect(performance.now() - healedAt).toBeLessThan(HEALED_MS);
  for (const { network } of lab.hosts) expect(await network.repair()).toBe(0);
}

async function clear(): Promise<void> {
  await lab.fabric.run("nft delete table netdev weather");
}

test("packets that arrive twice are one to those who speak", async () => {
  await weather((from) => `meta protocol ip dup to "p${3 - from}"`);
  for (let round = 0; round < 5; round += 1) {
    expect(await reaches("tcp")).toBe(true);
    expect(await reaches("udp")).toBe(true);
  }
  await clear();
  await healed();
});

test("connections survive a third of packets lost both ways, and end well after", async () => {
  await far.probe.serve("tcp", 9090);
  await near.probe.open({ host: far.address, port: 9090 });
  await weather(() => "meta protocol ip numgen random mod 100 < 33 drop");
  await waitFor("the connection to carry something", talks);
  await clear();
  await healed();
  await waitFor("the connection to go on", talks);
});

test("a link that flaps leaves nothing behind: the open connection goes on, and new ones come", async () => {
  for (let round = 0; round < 8; round += 1) {
    await lab.fabric.run("ip link set p2 down");
    await near.probe.ask({ host: web.clusterIP, port: 80, timeoutMs: 100 });
    await lab.fabric.run("ip link set p2 up");
  }
  await healed();
  await waitFor("the connection to go on", talks);
});

/** Hosts have asked in vain who has the other's address, as after a cut that lasted. */
async function forgotten(): Promise<void> {
  for (const { namespace } of lab.hosts) await namespace.run("ip neighbour flush dev eth0");
  await near.probe.ask({ host: web.clusterIP, port: 80, timeoutMs: 3_500 });
  expect(await lab.host(1).namespace.run("ip neighbour show dev eth0")).toMatch(/192\.168\.9\.2 +(FAILED|INCOMPLETE)/);
}

for (const { what, rule } of [
  { what: "cut", rule: () => "drop" },
  { what: "cut one way", rule: (from: number) => (from === 1 ? "drop" : "accept") },
])
  test(`a link that is ${what} until hosts have given each other up carries everything once it is whole, and the open connection goes on`, async () => {
    await weather(rule);
    await forgotten();
    expect(await unreached()).not.toEqual([]);
    await clear();
    await healed();
    await waitFor("the connection to go on", talks);
  });

test("a link that swallows large packets and says nothing carries them once it takes them, and small ones meanwhile", async () => {
  const large = (timeoutMs: number): Promise<string> =>
    near.probe.ask({ host: far.address, port: 8080, bytes: 5_000, timeoutMs });
  await weather(() => "meta length > 1000 drop");
  expect(await reaches("tcp")).toBe(true);
  expect(await large(1_500)).toBe("TIMEOUT");
  await clear();
  await healed();
  expect(await large(5_000)).toBe(`far ${near.address}`);
});

test("a link on which packets wait for each other for a second delays what is small, loses none of it, and is quick again after", async () => {
  await lab.fabric.run("tc qdisc replace dev p2 root tbf rate 1mbit burst 3000 latency 2s");
  const bulk = near.probe.ask({ host: far.address, port: 8080, bytes: 400_000, timeoutMs: 20_000 });
  await waitFor("packets to wait", async () => {
    const askedAt = performance.now();
    const answer = await lab.host(1).probe.ask({ host: far.address, port: 8080, timeoutMs: 10_000 });
    expect(answer).toMatch(/^far /);
    return performance.now() - askedAt > 300;
  });
  await lab.fabric.run("tc qdisc delete dev p2 root");
  await healed();
  expect(await bulk).toMatch(/^far /);
});

test("an address that is another pod's at once is that pod's alone: who spoke with the former is told, by TCP and UDP", async () => {
  expect(await reaches("udp")).toBe(true);
  await lab.host(2).network.detach(["far"]);
  await lab.setServices([{ ...web, endpoints: [] }]);
  const next = await lab.host(2).pod("next", 9);
  await next.probe.serve("tcp", 8080);
  await next.probe.serve("udp", 8080);
  expect(next.address).toBe(endpoint);
  // The connection of before is nobody's.
  expect(await near.probe.talk()).not.toBe("TALKED");
  await lab.setServices([{ ...web, endpoints: [endpoint] }]);
  for (const protocol of ["tcp", "udp"] as const)
    await waitFor(
      `the new pod to answer by ${protocol}`,
      async () =>
        (await near.probe.ask({ host: web.clusterIP, port: 80, protocol, timeoutMs: 1_000 })) ===
        `next ${near.address}`,
    );
  for (const { network } of lab.hosts) expect(await network.repair()).toBe(0);
});
