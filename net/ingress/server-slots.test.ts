import fc from "fast-check";
import { expect, test } from "vitest";
import { placeEndpoints, type ServerSlots } from "./server-slots.js";

const endpoints = (count: number) => Array.from({ length: count }, (_, at) => ({ ip: `10.0.0.${at}`, port: 80 }));

test("an endpoint keeps its place, and there is room for more", () => {
  const before = placeEndpoints([], endpoints(3));
  const after = placeEndpoints(before, endpoints(4).slice(1));
  expect(before).toHaveLength(8);
  expect(after.slice(1, 3)).toEqual(before.slice(1, 3));
  expect(after.filter((slot) => slot !== undefined)).toHaveLength(3);
});

test("whatever comes: each endpoint has exactly one place, none but the wanted have one, and who stays does not move", () => {
  const step = fc.uniqueArray(fc.nat({ max: 40 }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let slots: ServerSlots = [];
      for (const wanted of steps) {
        const before = slots;
        slots = placeEndpoints(
          before,
          wanted.map((at) => ({ ip: `10.0.0.${at}`, port: 80 })),
        );
        const held = slots.flatMap((slot) => (slot === undefined ? [] : [slot.ip]));
        expect([...held].sort()).toEqual(wanted.map((at) => `10.0.0.${at}`).sort());
        if (slots.length !== before.length) continue;
        for (const [at, slot] of before.entries())
          if (slot !== undefined && held.includes(slot.ip)) expect(slots[at]).toEqual(slot);
      }
    }),
    { seed: 7, numRuns: 300 },
  );
});
