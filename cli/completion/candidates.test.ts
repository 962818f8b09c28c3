import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTsctlBench, type TsctlBench } from "../../test/kit/tsctl-bench.js";
import { objectOf, podText } from "../../test/kit/tsctl-steps.js";

let bench: TsctlBench;
afterEach(() => bench.close());

describe("completion", () => {
  beforeEach(async () => {
    bench = await openTsctlBench();
    await bench.api.create(objectOf(podText("web-0")));
    bench.files.set("shop.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}");
    await bench.run(["apply", "-f", "shop.yaml"]);
    await bench.run(["apply", "-f", "shop.yaml"]);
    await bench.api.create(objectOf("{apiVersion: v1, kind: Node, metadata: {name: host1}}"));
  });

  const rows = [
    { words: ["app"], want: "apply" },
    { words: ["token", ""], want: "create list revoke" },
    { words: ["get", "depl"], want: "deployments" },
    { words: ["get", "pods", ""], want: "web-0" },
    { words: ["get", "pod/"], want: "pod/web-0" },
    { words: ["get", "-n", "other", "pods", ""], want: "" },
    { words: ["get", "pods", "-o", "y"], want: "yaml" },
    {
      words: ["get", "--output=j"],
      want: "--output=json --output=jsonpath-as-json= --output=jsonpath-file= --output=jsonpath=",
    },
    { words: ["get", "--ignore"], want: "--ignore-not-found" },
    { words: ["logs", "we"], want: "web-0" },
    { words: ["logs", "web-0", ""], want: "" },
    { words: ["exec", "web-0", "--", "l"], want: "" },
    { words: ["help", "des"], want: "describe" },
    { words: ["undo", ""], want: "shop" },
    { words: ["apply", "--set", "sh"], want: "shop" },
    { words: ["get", "pods", "-n", "kube"], want: "kube-system" },
    { words: ["get", "--namespace=def"], want: "--namespace=default" },
    { words: ["drain", "--force", ""], want: "host1" },
  ];
  test.each(rows)("$words", async ({ words, want }) => {
    const { out } = await bench.run(["completion", "words", "--", ...words]);
    expect(out.trim().split("\n").join(" ")).toBe(want);
  });

  test("a cluster that does not answer offers nothing and says nothing", async () => {
    bench.files.clear();
    expect(await bench.run(["completion", "words", "--", "get", "pods", ""])).toEqual({ code: 0, out: "", err: "" });
  });
});
