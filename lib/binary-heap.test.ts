import fc from "fast-check";
import { expect, test } from "vitest";
import { BinaryHeap } from "./binary-heap.js";

test("values come out in order, also when pushes and pops alternate", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 50 }))), (steps) => {
      const heap = new BinaryHeap<number>((left, right) => left < right);
      const model: number[] = [];
      for (const value of steps) {
        if (value === null) expect(heap.pop()).toBe(model.sort((a, b) => a - b).shift());
        else {
          heap.push(value);
          model.push(value);
        }
        expect(heap.length).toBe(model.length);
        expect(heap.peek()).toBe(model.length === 0 ? undefined : Math.min(...model));
      }
    }),
    { seed: 3 },
  );
});
