import { registryConformance } from "../../../test/conformance/registry.js";
import { SimulatedRegistry } from "../../../test/kit/simulated-registry.js";

registryConformance("simulated", async () => {
  const registry = new SimulatedRegistry();
  registry.lock("http://locked", "ann", "secret");
  return {
    registry,
    origin: "http://open",
    lockedOrigin: "http://locked",
    push: async (origin, repository, tag, image) => registry.push(origin, repository, tag, image),
    stop: async () => registry.fail("http://open", { isDown: true }),
    close: async () => registry.close(),
  };
});
