import { expect, test } from "vitest";
import { nodeConfig, nodeObject } from "../../test/kit/network-world.js";
import { SimulatedKernel } from "../kernel/simulated-kernel.js";
import { OverlaySync } from "./overlay-sync.js";
import { peersOf } from "./peers.js";

test("peers that are where they were are not planned again, unless the kernel refused them or there is something to remedy", async () => {
  const config = nodeConfig(4);
  const kernel = new SimulatedKernel([{ address: "192.168.9.4", device: "eth0", mtu: 1_500, prefixLength: 24 }]);
  const overlay = new OverlaySync(config, kernel);
  await overlay.start();
  const told = (...ats: readonly number[]): Promise<void> => {
    const { peers } = peersOf(
      ats.map((at) => nodeObject(at)),
      config,
    );
    return overlay.setMap(peers, [], { networks: [], tunnels: new Map() });
  };
  const subnets = async (): Promise<readonly string[]> =>
    (await kernel.readEntries(["tallship0"], [])).flatMap((entry) =>
      entry.table === "route" && entry.via !== "" && entry.inTable === undefined ? [entry.subnet] : [],
    );
  await told(5);
  const before = overlay.entries;
  await told(5);
  expect(overlay.entries).toBe(before);
  kernel.refuse(1);
  await expect(told(5, 6)).rejects.toMatchObject({ code: "kernel_failed" });
  await told(5, 6);
  expect(await subnets()).toEqual(["10.128.5.0/24", "10.128.6.0/24"]);
  const planned = overlay.entries;
  overlay.remedy(overlay.inForce);
  await told(5, 6);
  expect(overlay.entries).not.toBe(planned);
});
