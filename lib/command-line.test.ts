import { expect, test } from "vitest";
import { command, commandHelp, countOption, parseCommand, portOption } from "./command-line.js";

const join = command({
  summary: "join a cluster",
  words: ["TOKEN"],
  options: {
    name: { type: "string", value: "NAME", help: "name of the node" },
    force: { type: "boolean", help: "whatever happens" },
  },
  run: async () => 0,
});

test("options and words are read", () => {
  const { values, words } = parseCommand("x join", join, ["--name", "a", "TSJ1", "--force"]);
  expect(values).toMatchObject({ name: "a", force: true });
  expect(words).toEqual(["TSJ1"]);
});

// Each row is a mistake, and what the message must name.
test.each([
  [["--nmae", "a", "t"], "--nmae"],
  [["t", "--name"], "--name"],
  [["t", "--force=yes"], "--force"],
  [[], "want TOKEN"],
  [["t", "u"], 'not "t u"'],
])("%j is refused", (args, names) => {
  expect(() => parseCommand("x join", join, args)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  expect(() => parseCommand("x join", join, args)).toThrow(names);
});

test("help tells the words and every option", () => {
  expect(commandHelp("x join", join)).toBe(
    "x join TOKEN [options]\n\n  join a cluster\n\n  --name NAME  name of the node\n  --force      whatever happens",
  );
});

test("ports and counts have bounds", () => {
  expect(portOption("api-port", undefined, 7443)).toBe(7443);
  expect(portOption("api-port", "1", 7443)).toBe(1);
  for (const text of ["0", "65536", "-1", "1e3", " 7", "x", "99999999999"])
    expect(() => portOption("api-port", text, 7443)).toThrow(/--api-port/);
  expect(() => countOption("n", "29", { otherwise: 22, min: 9, max: 28 })).toThrow("want a number from 9 to 28");
});
