import { describe, expect, test } from "vitest";
import type { Json } from "../../kinds/encode.js";
import { follow, renderTemplate } from "./evaluate.js";
import { parsePath, parseTemplate } from "./parse.js";

/** The object of kubectl's documentation of JSONPath, with a field whose name has dots added. */
const DOCUMENTED: Json = {
  kind: "List",
  items: [
    {
      kind: "None",
      metadata: { name: "127.0.0.1", labels: { "kubernetes.io/hostname": "127.0.0.1" } },
      status: { capacity: { cpu: "4" }, addresses: [{ type: "LegacyHostIP", address: "127.0.0.1" }] },
    },
    {
      kind: "None",
      metadata: { name: "127.0.0.2" },
      status: {
        capacity: { cpu: "8" },
        addresses: [
          { type: "LegacyHostIP", address: "127.0.0.2" },
          { type: "another", address: "127.0.0.3" },
        ],
      },
    },
  ],
  users: [
    { name: "myself", user: {} },
    { name: "e2e", user: { username: "admin", password: "secret" } },
  ],
  numbers: [0, 1, 2, 3, 4],
  isOn: true,
};

describe("jsonpath says of the documented object what kubectl's documentation says", () => {
  const rows: readonly (readonly [template: string, want: string])[] = [
    ["kind is {.kind}", "kind is List"],
    ["{.kind}", "List"],
    ["{['kind']}", "List"],
    ['{["kind"]}', "List"],
    ["{..name}", "127.0.0.1 127.0.0.2 myself e2e"],
    ["{.items[*].metadata.name}", "127.0.0.1 127.0.0.2"],
    ["{.users[0].name}", "myself"],
    ["{.users[-1].name}", "e2e"],
    ["{.items[*]['metadata.name', 'status.capacity']}", '127.0.0.1 127.0.0.2 {"cpu":"4"} {"cpu":"8"}'],
    [
      "{.items[*]['metadata', 'kind']}",
      '{"name":"127.0.0.1","labels":{"kubernetes.io/hostname":"127.0.0.1"}} {"name":"127.0.0.2"} None None',
    ],
    ['{.users[?(@.name=="e2e")].user.password}', "secret"],
    ["{.users[?(@.name=='e2e')].user.password}", "secret"],
    [
      "{range .items[*]}[{.metadata.name}, {.status.capacity}] {end}",
      '[127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] ',
    ],
    ['{range .items[*]}{.metadata.name}{"\\t"}{.status.capacity.cpu}{"\\n"}{end}', "127.0.0.1\t4\n127.0.0.2\t8\n"],
    ["{.items[0].metadata.labels.kubernetes\\.io/hostname}", "127.0.0.1"],
    ["{.items[0].metadata.labels['kubernetes\\.io/hostname']}", "127.0.0.1"],
    ["{.items[0].metadata.labels['kubernetes.io/hostname']}", "127.0.0.1"],
    ['{.items[?(@.status.capacity.cpu>"4")].metadata.name}', "127.0.0.2"],
    ["{.items[?(@.metadata.labels)].metadata.name}", "127.0.0.1"],
    ['{.items[*].status.addresses[?(@.type!="LegacyHostIP")].address}', "127.0.0.3"],
    ["{.numbers[1:3]}", "1 2"],
    ["{.numbers[:2]}", "0 1"],
    ["{.numbers[-2:]}", "3 4"],
    ["{.numbers[0:5:2]}", "0 2 4"],
    ["{.numbers[3:99]}", "3 4"],
    ["{.numbers[0,2]}", "0 2"],
    ["{.numbers[?(@>=3)]}", "3 4"],
    ["{.numbers[?(@<1)]}", "0"],
    ["{.numbers}", "[0,1,2,3,4]"],
    ["{.isOn}", "true"],
    ["{@.kind} {$.kind}", "List List"],
    ["{.nothing.there}", ""],
    ["{.kind.deeper}", ""],
    ["{.users[*].user.username}", "admin"],
    ['{range .users[*]}{range .user}{.username}{"}"}{end}{end}', "}admin}"],
    ["{.users[0]['name']}", "myself"],
    ["{.*[0].name}", "myself"],
  ];
  test.each(rows)("%s", (template, want) => {
    expect(renderTemplate(parseTemplate(template), DOCUMENTED)).toBe(want);
  });
});

describe("a path where only a path can stand", () => {
  test.each(["kind", ".kind", "{kind}", "{.kind}", "{$.kind}", "['kind']"])("%s", (text) => {
    expect(follow(parsePath(text), DOCUMENTED)).toEqual(["List"]);
  });
});

describe("what is wrong with a template is said", () => {
  const rows: readonly (readonly [template: string, want: string])[] = [
    ["{.kind", "a brace is not closed"],
    ["{range .items[*]}", "{range} without {end}"],
    ["{end}", "{end} without {range}"],
    ["{.users[}", "a bracket is not closed"],
    ["{.users[a]}", "[a] is no index, slice, name or filter"],
    ["{.users[]}", "[] is no index, slice, name or filter"],
    ["{.users[?(1)]}", "?(1) compares nothing"],
    ["{.users[?(@.a==)]}", "a comparison has no side"],
    ['{"abc}', "a brace is not closed"],
    ["{.kind)}", '")" makes no sense here'],
  ];
  test.each(rows)("%s", (template, want) => {
    expect(() => parseTemplate(template)).toThrow(want);
  });

  test("an index beyond the end is an error, as with kubectl", () => {
    expect(() => renderTemplate(parseTemplate("{.users[2]}"), DOCUMENTED)).toThrow("index 2, length 2");
  });
});
