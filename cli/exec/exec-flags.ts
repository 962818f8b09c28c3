import type { Flags } from "../flags.js";

/** How a command runs in a container that runs already. */
export const EXEC_AS_FLAGS = {
  user: {
    type: "text",
    short: "u",
    value: "USER[:GROUP]",
    summary: "as this user, by number or by its name in the container",
  },
  workdir: { type: "text", short: "w", value: "PATH", summary: "in this folder" },
  env: { type: "list", short: "e", value: "NAME=VALUE", summary: "with this in its environment; may be repeated" },
} as const satisfies Flags;
