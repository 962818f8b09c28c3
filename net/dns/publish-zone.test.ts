import { expect, test } from "vitest";
import { silentLog } from "../../lib/log.js";
import { Service } from "../../proto/gen/tallship/v1/service.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import type { NetworkMap } from "../node-network.js";
import { zonePublisher } from "./publish-zone.js";
import type { Zone } from "./zone.js";

const mapWith = (address: string): NetworkMap => ({
  revision: 1,
  nodes: new Map(),
  services: new Map([["default/web", Service.fromPartial({ spec: { clusterIP: address } })]]),
  endpointSlices: new Map(),
});

test("several maps in a row are one zone, and a failed write is made up for", async () => {
  const clock = new ManualClock();
  const written: Zone[] = [];
  let failures = 1;
  const write = (zone: Zone): void => {
    failures -= 1;
    if (failures >= 0) throw new Error("disk full");
    written.push(zone);
  };
  const publisher = zonePublisher({ clusterDomain: "cluster.local", write, clock, log: silentLog });
  publisher.publish(mapWith("10.96.0.1"));
  publisher.publish(mapWith("10.96.0.2"));
  await clock.advance(5_000);
  expect(written.map(({ names }) => names["web.default.svc.cluster.local"]?.a)).toEqual([["10.96.0.2"]]);
});
