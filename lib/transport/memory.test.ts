import { transportConformance } from "../../test/conformance/transport.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { memoryNetwork } from "./memory.js";

transportConformance("memory", async () => {
  const clock = new ManualClock();
  const network = memoryNetwork(clock);
  let served = 0;
  return {
    serve: async (bindings) => {
      served += 1;
      const address = `server-${served}:1`;
      const server = network.serve(address, bindings);
      return { address, close: async () => server.close() };
    },
    dialer: (identity) => network.dialer(identity),
    elapse: (ms) => clock.advance(ms),
    deadAddress: "nowhere:1",
    dispose: async () => undefined,
  };
});
