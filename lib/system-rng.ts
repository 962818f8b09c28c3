// Edge: the system's random generator.
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import type { Rng } from "./rng.js";

/** The system's generator, fit for secrets. */
export const systemRng: Rng = {
  float: () => randomInt(0, 281_474_976_710_655) / 281_474_976_710_655,
  below: (bound) => randomInt(0, bound),
  bytes: (count) => randomBytes(count),
  uuid: () => randomUUID(),
};
