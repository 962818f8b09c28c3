import { onTestFinished } from "vitest";
import { type ControlWorld, controlWorld } from "./control-world.js";

/** A control world that ends with its test. */
export async function worldOfTest(...parts: Parameters<typeof controlWorld>): Promise<ControlWorld> {
  const world = await controlWorld(...parts);
  onTestFinished(() => world.stop.abort());
  return world;
}
