import { expect, test } from "vitest";
import { pathMtuOf, podMtuOf } from "./passing-sizes.js";
import type { LaneView, PeerView, PodWay } from "./peer-view.js";

const lane = (isSilent: boolean): LaneView => ({
  ...{ settled: 10, answered: isSilent ? 0 : 10, spoiledThere: 0, spoiledBack: 0, roundTripMs: 1, counted: undefined },
  ...{ loss: { sent: 0, lost: 0 }, lossSince: { sent: 0, lost: 0 } },
  ...{ silentCount: isSilent ? 10 : 0, silentMs: isSilent ? 10_000 : 0 },
});

/** What is seen of a peer where the largest sizes that passed, of those that were tried, are these; undefined: none was tried. */
function seen({ way, isOnLink = true, underlay, overlay, isPodsFullLost = true }: Row): PeerView {
  const [well, lost] = [lane(false), lane(true)];
  return {
    ...{ peer: "b", ipv6: well, strangers: 0, clock: undefined, checksumErrors: 0, evidence: undefined },
    lanes: {
      "underlay-small": well,
      "underlay-full": lost,
      "overlay-small": well,
      "overlay-full": isPodsFullLost ? lost : well,
    },
    tcp: { underlay: [], overlay: [] },
    tcpSince: { underlay: [], overlay: [] },
    hears: { underlay: true, overlay: true },
    passing: { underlay, overlay },
    ...{ isOnLink, way, fullBytes: { underlay: 1_500, overlay: way === "tunnel" ? 1_440 : 1_450 } },
  };
}

interface Row {
  readonly what: string;
  readonly way: PodWay;
  readonly isOnLink?: boolean;
  readonly underlay?: number;
  readonly overlay?: number;
  readonly isPodsFullLost?: boolean;
  readonly want: readonly [path: number | undefined, pods: number | undefined];
}

const rows: readonly Row[] = [
  { what: "the same by both", way: "overlay", underlay: 1_400, overlay: 1_350, want: [1_400, 1_350] },
  { what: "a step more outside", way: "overlay", underlay: 1_442, overlay: 1_390, want: [1_442, 1_392] },
  {
    what: "much more outside: it is the overlay's",
    way: "overlay",
    underlay: 1_492,
    overlay: 1_000,
    want: [1_050, 1_000],
  },
  { what: "only pods' sizes answered", way: "overlay", overlay: 1_350, want: [1_400, 1_350] },
  { what: "only hosts' sizes answered", way: "overlay", underlay: 1_400, want: [1_400, 1_350] },
  { what: "nobody has looked", way: "overlay", want: [undefined, undefined] },
  { what: "filled up", way: "tunnel", underlay: 1_400, overlay: 1_300, want: [1_400, 1_328] },
  { what: "all of the link", way: "link", underlay: 1_400, overlay: 1_400, want: [1_400, 1_400] },
  {
    ...{ what: "more than pods' full packets", way: "link", isPodsFullLost: false },
    ...{ underlay: 1_480, overlay: 1_442, want: [1_480, 1_450] },
  },
  { what: "pods' packets alone are lost", way: "link", underlay: 1_492, overlay: 1_200, want: [1_200, 1_200] },
  { what: "behind a router", way: "link", isOnLink: false, underlay: 1_400, overlay: 1_350, want: [1_400, 1_350] },
];
for (const row of rows)
  test(`what passes to a peer's host by ${row.way} is told by the sizes that passed: ${row.what}`, () => {
    const view = seen(row);
    expect([pathMtuOf(view), podMtuOf(view)]).toEqual(row.want);
  });
