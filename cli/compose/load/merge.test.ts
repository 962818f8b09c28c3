import { expect, test } from "vitest";
import { parseGeneralYaml } from "../../../kinds/yaml/general-reader.js";
import { mergeNodes } from "./merge.js";
import { type ComposeNode, composeTree } from "./node.js";

function tree(text: string): ComposeNode {
  const parsed = parseGeneralYaml({ name: "x", text });
  const [root] = parsed.documents;
  if (root === undefined) throw new Error(`no document in ${text}`);
  return composeTree(root, parsed);
}

function plain(node: ComposeNode | undefined): unknown {
  if (node === undefined || node.is === "scalar") return node?.text;
  if (node.is === "list") return node.items.map(plain);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]));
}

// field of a service, before, over it, result.
const rows = [
  ["command", "[a, b]", "[c]", ["c"]],
  ["dns", "[a]", "[b]", ["a", "b"]],
  ["expose", "[80]", "[80, 90]", ["80", "90"]],
  ["ports", '["80:80"]', '["80:80", "81:80"]', ["80:80", "81:80"]],
  ["environment", "[A=1, B=2]", "{B: 3}", { A: "1", B: "3" }],
  ["volumes", '["a:/x:ro", "b:/y"]', '["c:/x"]', ["c:/x", "b:/y"]],
  ["volumes", '["a:/x"]', "[{type: volume, source: d, target: /x}]", [{ type: "volume", source: "d", target: "/x" }]],
  ["depends_on", "[a]", "{b: {condition: service_healthy}}", { a: "", b: { condition: "service_healthy" } }],
  ["networks", "[a]", "[b]", { a: "", b: "" }],
  ["dns", "[a]", "!override [b]", ["b"]],
  ["dns", "[a]", "!reset []", undefined],
  ["deploy", "{replicas: 1, labels: [a=1]}", "{labels: {b: 2}}", { replicas: "1", labels: { a: "1", b: "2" } }],
] as const;

for (const [field, before, over, want] of rows) {
  test(`merge: ${field} ${before} under ${over}`, () => {
    const merged = mergeNodes(
      tree(`services: {web: {${field}: ${before}}}`),
      tree(`services:\n  web:\n    ${field}: ${over}`),
      [],
    );
    expect(plain(merged)).toEqual({ services: { web: want === undefined ? {} : { [field]: want } } });
  });
}
