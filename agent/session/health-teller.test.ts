import { expect, test } from "vitest";
import type { FaultKind } from "../../net/health/diagnose.js";
import type { NetworkWayHealth, PeerHealth } from "../../net/health/health-report.js";
import type { Event } from "../../proto/gen/tallship/v1/event.js";
import type { NetworkReport } from "../../proto/gen/tallship/v1/nethealth.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { HealthTeller } from "./health-teller.js";

function told() {
  const clock = new ManualClock();
  const reports: NetworkReport[] = [];
  const events: Event[] = [];
  const conditions: NodeConditionReport[] = [];
  const teller = new HealthTeller({
    clock,
    nodeName: "a",
    report: (report) => reports.push(report),
    events: (all) => events.push(...all),
    condition: (condition) => conditions.push(condition),
    observe: { looked: () => undefined, waysLooked: () => undefined },
  });
  const say = (...peers: PeerHealth[]): void => teller.looked(peers, [], []);
  const lines = (): readonly string[] => events.map(({ type, reason, message }) => `${type} ${reason} ${message}`);
  return { clock, reports, events, conditions, teller, say, lines };
}

const measure = { roundTripMs: 1, lossRatio: 0 };
function peer(name: string, kind?: FaultKind, rest: Partial<PeerHealth> = {}): PeerHealth {
  const fault = kind && { kind, direction: "to" as const, message: `${kind} at ${name}` };
  return { peer: name, underlay: measure, overlay: measure, mtu: 1_450, fault, remedy: "", isPeerReady: true, ...rest };
}

test("a fault is told at once as report, event and condition, its end too; measures wait for a minute", async () => {
  const { clock, reports, conditions, say, lines } = told();
  say(peer("b"), peer("c"));
  say(peer("b"), peer("c"));
  expect(reports.map(({ isWhole, paths }) => [isWhole, paths.length])).toEqual([[true, 2]]);
  expect(conditions.map(({ status }) => status)).toEqual(["False"]);
  say(peer("b", "MtuBlackHole"));
  say(peer("b", "MtuBlackHole", { remedy: "route MTU 1350" }));
  say(peer("b"));
  expect(lines()).toEqual([
    "Warning MtuBlackHole MtuBlackHole at b",
    "Normal NetworkRemedyApplied for b: route MTU 1350",
    "Normal NetworkRecovered MtuBlackHole is over: b",
    "Normal NetworkRemedyWithdrawn for b: route MTU 1350",
  ]);
  expect(conditions.map(({ status, reason, message }) => `${status} ${reason} ${message}`)).toEqual([
    "False PeersReached ",
    "True MtuBlackHole MtuBlackHole: b",
    "False PeersReached ",
  ]);
  const before = reports.length;
  say(peer("b"));
  expect(reports.length).toBe(before);
  await clock.advance(60_000);
  say(peer("c"));
  expect(reports.at(-1)?.paths.map((path) => path.peer)).toEqual(["b", "c"]);
});

test("a peer that the control plane misses too is no news, but its row is reported", () => {
  const { reports, conditions, say, lines } = told();
  say(peer("b", "PeerUnreachable", { isPeerReady: false }));
  expect(lines()).toEqual([]);
  expect(conditions.map(({ status }) => status)).toEqual(["False"]);
  expect(reports.at(-1)?.paths[0]?.fault).toBe("PeerUnreachable");
});

test("a new session is told everything, and many faults that begin together are told in part", () => {
  const { reports, say, teller, lines, conditions } = told();
  say(...Array.from({ length: 30 }, (_, at) => peer(`n${at + 10}`, "VxlanBlocked")));
  expect(lines().length).toBe(11);
  expect(lines().at(-1)).toBe("Warning NetworkFault 20 more ways to peers changed");
  expect(conditions.at(-1)?.message).toMatch(/^VxlanBlocked: n10; .*; 25 more$/);
  teller.begin();
  expect(reports.at(-1)?.isWhole).toBe(true);
  expect(reports.at(-1)?.paths.length).toBe(30);
});

test("a fault of a network is told at once, of network and peer, and its way goes with the peer's in reports", async () => {
  const { clock, reports, conditions, teller, say, lines } = told();
  say(peer("b"), peer("c"));
  const way = (name: string, kind?: FaultKind, family: "IPv4" | "IPv6" = "IPv4"): NetworkWayHealth => {
    const fault = kind && { kind, direction: "both" as const, message: `shop/back to ${name} is silent` };
    return { network: "shop/back", peer: name, family, measure, fault };
  };
  teller.waysLooked([way("b"), way("c")]);
  expect(reports.at(-1)?.paths.map((path) => [path.peer, path.networks.map(({ network }) => network)])).toEqual([
    ["b", ["shop/back"]],
    ["c", ["shop/back"]],
  ]);
  teller.waysLooked([way("b", "NetworkBlocked"), way("c")]);
  expect(reports.at(-1)?.paths.flatMap(({ networks }) => networks.map(({ fault }) => fault))).toEqual([
    "NetworkBlocked",
    "",
  ]);
  expect(conditions.at(-1)).toMatchObject({ status: "True", message: "NetworkBlocked: b by network shop/back" });
  const before = reports.length;
  await clock.advance(1_000);
  teller.waysLooked([way("b", "NetworkBlocked"), way("c")]);
  expect(reports.length).toBe(before);
  teller.waysLooked([way("b")]);
  expect(lines()).toEqual([
    "Warning NetworkBlocked shop/back to b is silent",
    "Normal NetworkRecovered NetworkBlocked is over: b by network shop/back",
  ]);
  expect(reports.at(-1)?.paths.map((path) => [path.peer, path.networks.length])).toEqual([
    ["b", 1],
    ["c", 0],
  ]);
  teller.waysLooked([way("b"), way("b", "NetworkBlocked", "IPv6")]);
  expect(reports.at(-1)?.paths.flatMap(({ networks }) => networks.map(({ family }) => family))).toEqual([
    "IPv4",
    "IPv6",
  ]);
  expect(conditions.at(-1)?.message).toBe("NetworkBlocked: b by network shop/back (IPv6)");
});
