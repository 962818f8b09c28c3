import { expect, test } from "vitest";
import { parseUtilizationShape, UTILIZATION_SHAPE, utilizationShapeOf } from "./utilization-shape.js";

const rows = [
  {
    text: "0=0,100=10",
    want: [
      [0, 0],
      [100, 10],
    ],
  },
  // One point is a line as well: all nodes are as good.
  { text: "50=5", want: [[50, 5]] },
  {
    text: "0=10, 70=10, 71=0",
    want: [
      [0, 10],
      [70, 10],
      [71, 0],
    ],
  },
];

for (const { text, want } of rows)
  test(`"${text}" is a line of ${want.length} points`, () => {
    const points = utilizationShapeOf({ [UTILIZATION_SHAPE]: text });
    expect(points?.map(({ percent, score }) => [percent, score])).toEqual(want);
  });

const tooMany = Array.from({ length: 17 }, (_, at) => `${at}=1`).join(",");
for (const text of ["", "50", "0=11", "101=1", "10=1,10=2", "10=1,9=2", "-1=0", "0=1.5", tooMany])
  test(`"${text}" is refused`, () => {
    expect(parseUtilizationShape(text).is).toBe("wrong");
    expect(utilizationShapeOf({ [UTILIZATION_SHAPE]: text })).toBeUndefined();
  });

test("without the annotation there is no line", () => {
  expect(utilizationShapeOf({})).toBeUndefined();
});
