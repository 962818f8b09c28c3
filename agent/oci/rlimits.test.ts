import { expect, test } from "vitest";
import { ULIMITS } from "../../kinds/ulimits.js";
import { Container } from "../../proto/gen/tallship/v1/container.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type HardLimits, parseHardLimits, rlimitsOf } from "./rlimits.js";

const of = (text: string, most?: HardLimits) =>
  rlimitsOf(
    Pod.fromPartial({ metadata: { annotations: { [ULIMITS]: text } } }),
    Container.fromPartial({ name: "web" }),
    most,
  );

test("limits are those asked for, where the host may give any", () => {
  expect(of("web.nofile=8:9")).toEqual({ rlimits: [{ type: "RLIMIT_NOFILE", soft: 8, hard: 9 }], refused: [] });
  expect(of("web.core=-1").rlimits).toEqual([{ type: "RLIMIT_CORE", soft: 2 ** 63, hard: 2 ** 63 }]);
  expect(of("").rlimits).toEqual([]);
});

test("where the host gives less, the container gets that, and it is said", () => {
  expect(of("web.nofile=5:9", { nofile: 7 })).toEqual({
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 5, hard: 7 }],
    refused: ["nofile: the node gives at most 7"],
  });
  expect(of("web.nofile=7", { nofile: 7 }).refused).toEqual([]);
});

test("the hard limits are read as the kernel writes them", () => {
  const text = [
    "Limit                     Soft Limit           Hard Limit           Units     ",
    "Max cpu time              unlimited            unlimited            seconds   ",
    "Max core file size        0                    unlimited            bytes     ",
    "Max open files            1024                 524288               files     ",
    "Max nice priority         0                    0                    ",
  ].join("\n");
  expect(parseHardLimits(text)).toEqual({ nofile: 524288, nice: 0 });
});
