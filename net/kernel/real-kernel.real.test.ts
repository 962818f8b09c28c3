import { systemClock } from "../../lib/system-clock.js";
import { kernelConformance } from "../../test/conformance/kernel.js";
import { makeNamespace } from "../../test/kit/network-namespace.js";
import { podDevice } from "../device-names.js";
import { realKernel } from "./real-kernel.js";

kernelConformance("real", async () => {
  const host = await makeNamespace("kernel");
  await host.run(
    "ip link set lo up; ip link add eth9 mtu 1500 type bridge; ip link set eth9 addrgenmode none up; ip address add 192.168.9.4/24 dev eth9; ip address add fe80::9/64 dev eth9 nodad",
  );
  const families = ["IPv4", "IPv6"] as const;
  const kernel = realKernel({ runDir: `${host.folder}/run`, clock: systemClock, enter: host.enter, families });
  return {
    kernel,
    underlay: { address: "192.168.9.4", device: "eth9", mtu: 1_500, prefixLength: 24, linkIpv6: "fe80::9" },
    deleteDevice: async (device) => void (await host.run(`ip link delete ${device}`)),
    deletePodDevice: async (uid) => void (await host.run(`ip link delete ${podDevice(uid)}`)),
    flushRuleset: async () => void (await host.run("nft flush ruleset")),
    dispose: async () => {
      await kernel.close();
      await host.dispose();
    },
  };
});
