import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { imageCommand } from "./image-command.js";

const image = { entrypoint: ["/bin/serve"], command: ["--port", "80"] };
const whole = ["/bin/serve", "--port", "80"];

// Each row: what a container names, what its image has, and what was known before.
const rows = [
  { name: "the image decides", command: [], args: [], image, before: [], want: whole },
  {
    name: "the container's arguments go to the image's program",
    command: [],
    args: ["-v"],
    image,
    before: [],
    want: ["/bin/serve", "-v"],
  },
  { name: "the container decides: the pod says so itself", command: ["sh"], args: [], image, before: whole, want: [] },
  { name: "the agent has just started", command: [], args: [], image: undefined, before: whole, want: whole },
  { name: "nothing is known yet", command: [], args: [], image: undefined, before: undefined, want: [] },
];
test.each(rows)("$name", ({ command, args, image: config, before, want }) => {
  expect(imageCommand({ command, args }, config, before)).toEqual(want);
});

test("a long command is cut, whatever its words", () => {
  const long = "x".repeat(limit("imageCommandChars"));
  const told = imageCommand({ command: [], args: [] }, { entrypoint: ["run", long], command: [long] });
  expect(told).toEqual(["run", long.slice(4)]);
});
