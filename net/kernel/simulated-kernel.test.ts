import { kernelConformance } from "../../test/conformance/kernel.js";
import { SimulatedKernel } from "./simulated-kernel.js";

kernelConformance("simulated", async () => {
  const underlay = { address: "192.168.9.4", device: "eth0", mtu: 1_500, prefixLength: 24, linkIpv6: "fe80::9" };
  const kernel = new SimulatedKernel([underlay]);
  return {
    kernel,
    underlay,
    deleteDevice: async (device) => kernel.deleteDevice(device),
    deletePodDevice: async (uid) => kernel.deletePodDevice(uid),
    flushRuleset: async () => kernel.flushRuleset(),
    dispose: () => kernel.close(),
  };
});
