import { expect, test } from "vitest";
import { setName } from "./set-name.js";

const rows = [
  { paths: ["hello.yaml"], want: "hello" },
  { paths: ["./manifests/hello.yml"], want: "hello" },
  { paths: ["/a/b/shop/"], want: "shop" },
  { paths: ["b.yaml", "a.json"], want: "a.b" },
  { paths: ["a.yaml", "x/a.yaml"], want: "a" },
  // The server names what has no file.
  { paths: ["-"], want: "" },
  { paths: ["a.yaml", "-"], want: "" },
  { paths: ["."], want: "" },
  { paths: ["My App (1).yaml"], want: "my-app-1" },
  { paths: [`${"a".repeat(80)}.yaml`], want: "a".repeat(63) },
  { paths: [`${"a".repeat(62)}--b.yaml`], want: "a".repeat(62) },
];

test.each(rows)("the set of $paths is $want", ({ paths, want }) => {
  expect(setName(paths)).toBe(want);
});
