import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { type TestService, VIP } from "../test/kit/network-world.js";
import { waitFor } from "../test/kit/wait.js";

// A service with an endpoint on the second host, and one on the third, which is as good as without power.
let lab: Lab;
let client: LabPod;
let living: LabPod;
let lost: LabPod;

beforeAll(async () => {
  lab = await makeLab(3);
  client = await lab.host(1).pod("client", 2);
  living = await lab.host(2).pod("living", 2);
  lost = await lab.host(3).pod("lost", 2);
  for (const { probe } of [living, lost]) await probe.serve("tcp", 8080);
  await lab.fabric.run("ip link set p3 down");
});
afterAll(() => lab.dispose());

const served = (...endpoints: readonly string[]): readonly TestService[] => [
  { name: "web", clusterIP: VIP, ports: [{ port: 80, targetPort: 8080 }], endpoints },
];
const flows = (): Promise<string> => lab.host(1).namespace.run("conntrack -L -p tcp 2>/dev/null; true");

for (const { what, left, fromPort } of [
  { what: "that a service stops to lead to", left: () => `-${lost.address}`, fromPort: 45_678 },
  { what: "that is gone", left: () => "", fromPort: 45_688 },
])
  test(`who waits for an endpoint ${what} is led to another with the next try, and so is who asks again from the same port`, async () => {
    const question = { host: VIP, port: 80, fromPort };
    await lab.setServices(served(lost.address));
    const waiting = client.probe.ask({ ...question, timeoutMs: 10_000 });
    await waitFor("the question to be on its way", async () => (await flows()).includes("[UNREPLIED]"));
    await lab.setServices(served(...[left(), living.address].filter((each) => each !== "")));
    expect(await waiting).toBe(`living ${client.address}`);
    // One that was given up leaves its flow behind, for a connection that comes from its port.
    await lab.setServices(served(lost.address));
    expect(await client.probe.ask({ ...question, fromPort: fromPort + 1, timeoutMs: 300 })).toBe("TIMEOUT");
    await lab.setServices(served(...[left(), living.address].filter((each) => each !== "")));
    await waitFor("no flow to be left", async () => !(await flows()).includes("[UNREPLIED]"));
    expect(await client.probe.ask({ ...question, fromPort: fromPort + 1 })).toBe(`living ${client.address}`);
  });

test("a connection that an endpoint has answered goes on while the endpoint is leaving", async () => {
  await lab.setServices(served(living.address));
  await client.probe.open({ host: VIP, port: 80 });
  await lab.setServices(served(`!${living.address}`, lost.address));
  await lab.setServices(served(`!${living.address}`));
  expect(await client.probe.talk()).toBe("TALKED");
});

test("a connection goes on while any service has its endpoint, and is forgotten when none has; what no service led there stands", async () => {
  const inner = "10.96.1.2";
  const both = (web: readonly string[], others: readonly string[]): readonly TestService[] => [
    ...served(...web),
    { name: "inner", clusterIP: inner, ports: [{ port: 80, targetPort: 8080 }], endpoints: others },
  ];
  const [straight, waiting] = [await lab.host(1).pod("straight", 3), await lab.host(1).pod("waiting", 4)];
  await lab.setServices(both([lost.address], [living.address]));
  await client.probe.open({ host: inner, port: 80 });
  await straight.probe.open({ host: living.address, port: 8080 });
  // Forgotten together with what would be forgotten wrongly: so it is known when that has happened.
  const unanswered = waiting.probe.ask({ host: VIP, port: 80, timeoutMs: 10_000 });
  await waitFor("the question to be on its way", async () => (await flows()).includes("[UNREPLIED]"));
  await lab.setServices(both([lost.address, living.address], [living.address]));
  await lab.setServices(both([], [`!${living.address}`, lost.address]));
  await waitFor("the question to be forgotten", async () => !(await flows()).includes("[UNREPLIED]"));
  expect(await client.probe.talk()).toBe("TALKED");
  await lab.setServices(both([], [lost.address]));
  await waitFor("the connection to be forgotten", async () => !(await flows()).includes(`dst=${inner} `));
  expect(await flows()).toContain(`src=${straight.address} dst=${living.address} `);
  expect(await straight.probe.talk()).toBe("TALKED");
  expect(await unanswered).toBe("ECONNREFUSED");
});
