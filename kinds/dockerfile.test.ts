import { describe, expect, test } from "vitest";
import { baseImages } from "./dockerfile.js";

/** Nothing given, and all stages, unless said. */
interface Row {
  readonly args?: readonly string[];
  readonly target?: string;
}

const HUB = "docker.io/library/";

describe("the images that a Dockerfile stands on", () => {
  const rows: readonly (readonly [name: string, text: string, bases: readonly string[], terms: Row])[] = [
    ["one", "FROM python:3.8-slim\nRUN echo FROM x", [`${HUB}python:3.8-slim`], {}],
    [
      "in any case of letters, with a platform",
      "from --platform=linux/amd64 busybox as b",
      [`${HUB}busybox:latest`],
      {},
    ],
    ["scratch is none", "FROM scratch", [], {}],
    [
      "stages are none, by name or number",
      "FROM a:1 AS Base\nFROM base\nCOPY --from=0 /x /y\nCOPY --from=base /x /",
      [`${HUB}a:1`],
      {},
    ],
    ["copied from", "FROM scratch\nCOPY --from=reg.example/tool:2 /t /t", ["reg.example/tool:2"], {}],
    ["mounted from", "FROM scratch\nRUN --mount=type=bind,from=tool,target=/t true", [`${HUB}tool:latest`], {}],
    ["an ARG with a default", "ARG V=3\nFROM python:\u0024{V}-slim", [`${HUB}python:3-slim`], {}],
    ["an ARG that was given", "ARG V=3\nFROM python:$V", [`${HUB}python:4`], { args: ["V=4"] }],
    [
      "an ARG of a stage does not count",
      "FROM a\nARG B=b\nFROM \u0024{B:-c}",
      [`${HUB}a:latest`, `${HUB}c:latest`],
      {},
    ],
    ["what is given but not declared does not count", "FROM \u0024{B:-c}", [`${HUB}c:latest`], { args: ["B=b"] }],
    ["over lines and comments", "FROM \\\n# no\n  a:1 \\\n AS b\nFROM b", [`${HUB}a:1`], {}],
    [
      "only up to the target",
      "FROM a AS one\nFROM b AS two\nFROM c",
      [`${HUB}a:latest`, `${HUB}b:latest`],
      { target: "two" },
    ],
    ["only up to a number", "FROM a\nFROM b", [`${HUB}a:latest`], { target: "0" }],
    ["another escape", "# escape=`\nFROM `\n a", [`${HUB}a:latest`], {}],
  ];
  test.each(rows)("%s", (_, text, bases, terms) => {
    expect(baseImages(text, { args: [], target: "", ...terms })).toEqual(bases);
  });

  test("none at all, or an empty name, is told", () => {
    expect(() => baseImages("RUN true", { args: [], target: "" })).toThrow("the Dockerfile has no FROM");
    expect(() => baseImages("ARG X\nFROM $X", { args: [], target: "" })).toThrow("FROM $X: no image's name");
    expect(() => baseImages("FROM Bad!", { args: [], target: "" })).toThrow('"Bad!"');
  });
});
