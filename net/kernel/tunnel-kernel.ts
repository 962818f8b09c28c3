// Edge: encrypted tunnels, by wg; by WireGuard in the kernel, or by wireguard-go where the kernel has none.
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import type { CoProcess } from "./co-process.js";
import type { HeldTunnel, TunnelDevice } from "./kernel.js";
import { feed, sectionMark, sections } from "./shell-script.js";
import { parseTunnel, tunnelConfig } from "./tunnel-text.js";

/** Where wireguard-go takes its settings; fixed in the program. */
const SOCKETS = "/var/run/wireguard";

/** Times 50 ms that wireguard-go has to begin. */
const TRIES = 60;

/**
 * A device of wireguard-go is a program's that lives as long as the device: in a session of its own, so that it outlives the agent, whose successor finds the
 * device and changes it as it is. When the program dies the device is gone, and is made anew.
 */
export class TunnelKernel {
  private readonly shell: CoProcess;
  private readonly clock: Clock;

  constructor(shell: CoProcess, clock: Clock) {
    this.shell = shell;
    this.clock = clock;
  }

  async read(devices: readonly string[]): Promise<readonly HeldTunnel[]> {
    if (devices.length === 0) return [];
    const lines = devices.flatMap((device) => [
      sectionMark(device),
      `${isThere(device)} && wg show ${device} dump 2>/dev/null`,
    ]);
    const answers = sections(await this.shell.request(lines.join("\n")));
    const nowS = this.clock.nowMs() / 1_000;
    return devices.flatMap((device) => parseTunnel(device, answers.get(device) ?? "", nowS) ?? []);
  }

  async set(tunnel: TunnelDevice, { key, mtu }: { readonly key: string; readonly mtu: number }): Promise<void> {
    const { device } = tunnel;
    // A fork that daemonizes by itself starts itself for ever when told not to by anything but -f.
    const script = [
      sectionMark("made"),
      `if ! ${isThere(device)} && ! ip link add ${device} type wireguard 2>/dev/null; then`,
      "if command -v wireguard-go >/dev/null 2>&1; then",
      `  setsid wireguard-go -f ${device} </dev/null >/dev/null 2>&1 &`,
      `  tries=0; while [ $tries -lt ${TRIES} ] && ! { ${isThere(device)} && [ -S ${SOCKETS}/${device}.sock ]; }; do sleep 0.05; tries=$((tries+1)); done`,
      `  ${isThere(device)} || echo "wireguard-go makes no device: is there /dev/net/tun?"`,
      'else echo "the kernel has no WireGuard, and wireguard-go is not installed"; fi',
      "fi",
      'command -v wg >/dev/null 2>&1 || echo "wg is not installed (wireguard-tools)"',
      sectionMark("settings"),
      feed(`wg syncconf ${device} /dev/stdin 2>&1`, tunnelConfig(tunnel, key)),
      `ip link set dev ${device} mtu ${mtu} addrgenmode none 2>&1`,
      `ip link set dev ${device} up 2>&1`,
    ];
    const answers = sections(await this.shell.request(script.join("\n")));
    const said = ["made", "settings"].flatMap((part) => (answers.get(part) ?? "").split("\n"));
    const first = said.find((line) => line.trim() !== "");
    if (first === undefined) return;
    // Whatever a tool complains of, the key is not to be read in it.
    throw new TallshipError("kernel_failed", `make encrypted tunnels: ${first.replaceAll(key, "(key)")}`);
  }

  async remove(devices: readonly string[]): Promise<void> {
    if (devices.length === 0) return;
    await this.shell.request(devices.map((device) => `ip link delete dev ${device} 2>/dev/null; true`).join("\n"));
  }
}

/** Of the shell's own network namespace, whatever is mounted on /sys. */
function isThere(device: string): string {
  return `[ -e /proc/sys/net/ipv4/conf/${device} ]`;
}
