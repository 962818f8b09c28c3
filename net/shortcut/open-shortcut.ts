import type { Clock } from "../../lib/clock.js";
import type { Log } from "../../lib/log.js";
import { OVERLAY_DEVICE } from "../device-names.js";
import type { Kernel } from "../kernel/kernel.js";
import type { NodeNetworkConfig } from "../node-network.js";
import { VXLAN_OVERHEAD_BYTES } from "../overlay/overlay-plan.js";
import { Shortcut } from "./shortcut.js";
import { shortcutKernel } from "./shortcut-kernel.js";

/** What the real shortcut is made over. */
export interface ShortcutParts {
  readonly kernel: Pick<Kernel, "underlay" | "leavesChecksums">;
  readonly clock: Clock;
  readonly log: Log;
  /** Words that enter another network namespace; usually none. */
  readonly enter?: readonly string[];
}

/**
 * The node's shortcut around the tables; undefined where no packet passes a link as VXLAN alone. Where the overlay's device computes checksums itself, since the card does it wrongly, packets
 * must pass that device: it is closed.
 */
export function openShortcut(config: NodeNetworkConfig, parts: ShortcutParts): Shortcut | undefined {
  if (config.encrypted) return undefined;
  const { kernel, clock, log, enter } = parts;
  const ranges = [config.clusterCIDR, ...(config.ipv6 === undefined ? [] : [config.ipv6.clusterCIDR])];
  const directRanges = config.directRouting ? ranges : [];
  return new Shortcut({
    kernel: shortcutKernel({ runDir: config.runDir, clock, ...(enter !== undefined && { enter }) }),
    ...{ clock, log },
    link: async () => {
      const underlay = await kernel.underlay(config.underlayIP);
      if ((await kernel.leavesChecksums(OVERLAY_DEVICE)) === false) return undefined;
      return underlay && { ...{ device: underlay.device, directRanges }, podMtu: underlay.mtu - VXLAN_OVERHEAD_BYTES };
    },
  });
}
