import type { Answer } from "dns-packet";
import { expect, test } from "vitest";
import { seededRng } from "../../lib/rng.js";
import { Service } from "../../proto/gen/tallship/v1/service.js";
import { Responder } from "./responder.js";
import { namesOf } from "./service-names.js";
import { Zone } from "./zone.js";

const HERE = { domain: "cluster.local", nodeName: "node-1" };

function responderFor(services: Readonly<Record<string, object>>): Responder {
  const zone = new Zone("cluster.local");
  for (const [name, spec] of Object.entries(services)) {
    const service = Service.fromPartial({ metadata: { name, namespace: "shop" }, spec });
    zone.set(`shop/${name}`, namesOf(`shop/${name}`, service, [], HERE));
  }
  const forwarder = { resolve: async () => ({ code: 2, answers: [], isAuthoritative: false }) };
  return new Responder(zone, { forwarder, ranges: ["10.96.0.0/12"], rng: seededRng(1) });
}

const typesOf = (answers: readonly Answer[]): readonly string[] => answers.map(({ type }) => type);

test("an alias stands before the addresses that it leads to, wherever the turn begins", async () => {
  const responder = responderFor({
    web: { clusterIP: "10.96.0.20", clusterIPs: ["10.96.0.20"] },
    near: { type: "ExternalName", externalName: "web.shop.svc.cluster.local" },
    nearer: { type: "ExternalName", externalName: "near.shop.svc.cluster.local" },
  });
  for (let time = 0; time < 32; time += 1) {
    const { answers } = await responder.reply({ name: "nearer.shop.svc.cluster.local", type: "A" });
    expect(typesOf(answers)).toEqual(["CNAME", "CNAME", "A"]);
  }
});
