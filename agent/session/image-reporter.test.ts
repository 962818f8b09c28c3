import { expect, test } from "vitest";
import type { ImageNamesReport, ImageReport } from "../../proto/gen/tallship/v1/session.js";
import { ImageReporter } from "./image-reporter.js";

test("a session begins with all content and all names, then only changes are told", () => {
  const told: (ImageReport | ImageNamesReport)[] = [];
  const images = { content: ["1"], names: [{ name: "app:v1", sizeBytes: 10 }] };
  const reporter = new ImageReporter(
    { digests: () => images.content, named: () => images.names },
    { reportImages: (report) => told.push(report), reportImageNames: (report) => told.push(report) },
  );
  reporter.begin();
  reporter.refresh();
  expect(told.splice(0)).toEqual([
    { isWhole: true, added: ["1"], removed: [] },
    { isWhole: true, added: [{ name: "app:v1", sizeBytes: 10 }], removed: [] },
  ]);
  images.content = ["2"];
  reporter.refresh();
  expect(told.splice(0)).toEqual([{ isWhole: false, added: ["2"], removed: ["1"] }]);
  // A tag that moved, and a name more.
  images.names = [
    { name: "app:v1", sizeBytes: 20 },
    { name: "side:v1", sizeBytes: 5 },
  ];
  reporter.refresh();
  images.names = images.names.slice(1);
  reporter.refresh();
  expect(told.splice(0)).toEqual([
    {
      isWhole: false,
      added: [
        { name: "app:v1", sizeBytes: 20 },
        { name: "side:v1", sizeBytes: 5 },
      ],
      removed: [],
    },
    { isWhole: false, added: [], removed: ["app:v1"] },
  ]);
});
