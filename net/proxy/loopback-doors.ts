import type { Kernel, LoopbackDoor, RefusedDoor } from "../kernel/kernel.js";
import type { RuleElement } from "../kernel/rules.js";
import type { PortedPod } from "../node-network.js";

/** The loopback address that no rule leads from: unlike 127.0.0.0/8 the kernel lets none of its packets leave. */
export const LOOPBACK_IPV6 = "::1";

/**
 * Host ports at the host's own ::1. A program listens at each and leads what comes to the pod, by IPv4, which every pod has; the pod sees its node's gateway. Doors stand when the
 * agent dies, and are found by the next. One that cannot be opened, as when a program of the host's has the port, is tried again with each repair.
 */
export class LoopbackDoors {
  private readonly kernel: Kernel;
  private wanted: readonly LoopbackDoor[] = [];
  /** Whether some may be open. Where nobody wants one nothing is looked at. */
  private mayBeOpen = true;
  /** Those that could not be opened at the last try. */
  private refused: readonly RefusedDoor[] = [];

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /** Host ports that cannot be had, in words. */
  get problems(): readonly string[] {
    return this.refused.map(({ protocol, port, isTaken }) => {
      const why = isTaken
        ? "is somebody else's"
        : "cannot be opened: socat, which is to listen there, does not come up";
      return `[${LOOPBACK_IPV6}]:${port}/${protocol} ${why}`;
    });
  }

  /** The doors that are open, as the elements that host ports of other addresses are. */
  async held(): Promise<readonly RuleElement[]> {
    const doors = await this.kernel.readDoors();
    return doors.map(({ protocol, port, address, toPort }) => ({
      map: "host-ports",
      key: `${LOOPBACK_IPV6} . ${protocol} . ${port}`,
      value: `${address} . ${toPort}`,
    }));
  }

  /** Exactly these pods' doors are open, but for those that cannot be. */
  async set(pods: Iterable<PortedPod>): Promise<void> {
    this.wanted = doorsOf(pods);
    await this.bring();
  }

  /** Opens and closes what differs; returns how many did. */
  async bring(): Promise<number> {
    if (this.wanted.length === 0 && !this.mayBeOpen) return 0;
    const held = await this.kernel.readDoors();
    const closing = held.filter((door) => !this.wanted.some((each) => isSame(each, door)));
    const opening = this.wanted.filter((door) => !held.some((each) => isSame(each, door)));
    if (closing.length > 0) await this.kernel.closeDoors(closing);
    this.refused = opening.length > 0 ? await this.kernel.openDoors(opening) : [];
    this.mayBeOpen = this.wanted.length > 0;
    return closing.length + opening.length - this.refused.length;
  }
}

/** The doors of these pods, in order of ports. Of two that want one port the first by uid has it. */
export function doorsOf(pods: Iterable<PortedPod>): readonly LoopbackDoor[] {
  const found = new Map<string, LoopbackDoor>();
  for (const { address, hostPorts } of [...pods].sort((one, other) => (one.uid < other.uid ? -1 : 1)))
    for (const { protocol, hostIP, hostPort: port, containerPort: toPort } of hostPorts) {
      if (hostIP !== LOOPBACK_IPV6 || protocol === "SCTP" || address === "") continue;
      const name = protocol === "TCP" ? "tcp" : "udp";
      const id = `${name} ${port}`;
      if (!found.has(id)) found.set(id, { protocol: name, port, address, toPort });
    }
  return [...found.values()].sort((one, other) => one.port - other.port || (one.protocol < other.protocol ? -1 : 1));
}

function isSame(one: LoopbackDoor, other: LoopbackDoor): boolean {
  return (
    one.protocol === other.protocol &&
    one.port === other.port &&
    one.address === other.address &&
    one.toPort === other.toPort
  );
}
