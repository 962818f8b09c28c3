import { TallshipError } from "../../lib/errors.js";
import type { Handlers } from "../../lib/transport/service.js";
import type { StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";

function refuse(what: string): never {
  throw new TallshipError("not_supported", `this bench has no ${what}`);
}

/** The operators' streams where a test has none; it puts its own in their place. */
export const NO_STREAMS: Handlers<typeof StreamsDefinition> = {
  logs: () => refuse("logs"),
  exec: () => refuse("exec"),
  attach: () => refuse("attach"),
  forward: () => refuse("forward"),
  copy: () => refuse("copy"),
  signal: () => refuse("signals"),
  stats: () => refuse("stats"),
  changes: () => refuse("changes"),
};
