// Edge: the host's addresses.
import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import type { Clock } from "../../lib/clock.js";
import { type HostConfig, writeHostConfig } from "../../lib/host-config.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { limit } from "../../lib/limits.js";
import type { Log } from "../../lib/log.js";
import { addressMove } from "./address-move.js";

/** What following the address needs. */
export interface OwnAddressParts {
  readonly paths: HostPaths;
  readonly clock: Clock;
  readonly log: Log;
  /** API addresses of control planes, host:port. */
  readonly controlPlaneAddresses: readonly string[];
  /** Names of devices that are Tallship's own: their addresses are none of the host's. */
  readonly ownDevices: RegExp;
}

/**
 * The host as it is now: with its address, or, when that is gone for good, with the one that it has instead, which is written down. Waits until it has one; undefined when the signal
 * aborts before. `before` are the addresses that it had when its own was last seen; undefined: not known.
 */
export async function settleAddress(
  host: HostConfig,
  parts: OwnAddressParts,
  signal: AbortSignal,
  before?: readonly string[],
): Promise<HostConfig | undefined> {
  const { clock, log, paths } = parts;
  let goneAtMs: number | undefined;
  let said = "";
  while (!signal.aborted) {
    const nowMs = clock.monotonicMs();
    const { advertiseAddress: known, isControlPlane } = host;
    const present = addressesOf(parts.ownDevices);
    if (!present.includes(known)) goneAtMs ??= nowMs;
    const towards = present.includes(known) ? undefined : await sourceTowards(parts.controlPlaneAddresses);
    const isNew = before !== undefined && towards !== undefined && !before.includes(towards);
    const goneMs = nowMs - (goneAtMs ?? nowMs);
    const move = addressMove({ known, present, towards, isNew, goneMs, isControlPlane });
    if (move.is === "here") return host;
    if (move.is === "moved") {
      const moved = { ...host, advertiseAddress: move.to };
      await writeHostConfig(paths, moved);
      log.warn("the host has another address", { was: known, is: move.to });
      return moved;
    }
    if (move.why !== said) log.warn("the host's address is gone", { address: known, why: move.why });
    said = move.why;
    await clock.sleep(limit(isNew ? "addressNewMs" : "addressLookMs"), signal).catch(() => undefined);
  }
  return undefined;
}

/** Resolves when the host's address has become another one, or when the signal aborts. */
export async function addressMoved(host: HostConfig, parts: OwnAddressParts, signal: AbortSignal): Promise<void> {
  // What listens nowhere else has no address to lose.
  const isLoopback = host.advertiseAddress.startsWith("127.");
  const { clock, controlPlaneAddresses, ownDevices } = parts;
  let before: readonly string[] = [];
  let listDueMs = 0;
  while (!signal.aborted) {
    if (clock.monotonicMs() >= listDueMs) {
      before = addressesOf(ownDevices);
      listDueMs = clock.monotonicMs() + limit("addressesListMs");
    }
    await clock.sleep(limit("addressLookMs"), signal).catch(() => undefined);
    if (isLoopback || signal.aborted) continue;
    // As long as packets to the control plane leave from it, it is there: listing every device takes 10 ms where hundreds are.
    if ((await sourceTowards(controlPlaneAddresses)) === host.advertiseAddress) continue;
    const settled = await settleAddress(host, parts, signal, before);
    if (settled !== undefined && settled.advertiseAddress !== host.advertiseAddress) return;
  }
}

function addressesOf(ownDevices: RegExp): readonly string[] {
  return Object.entries(networkInterfaces()).flatMap(([device, all]) =>
    ownDevices.test(device) ? [] : (all ?? []).map(({ address }) => address),
  );
}

/** The address that the kernel would send from to the first of these that it has a way to. Nothing is sent. */
async function sourceTowards(controlPlanes: readonly string[]): Promise<string | undefined> {
  for (const each of controlPlanes) {
    const [, host = "", port = ""] = /^\[?([^\]]*)\]?:(\d+)$/.exec(each) ?? [];
    const found = await sourceOf(host, Number(port));
    if (found !== undefined) return found;
  }
  return undefined;
}

function sourceOf(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const end = (address: string | undefined): void => {
      socket.close();
      resolve(address);
    };
    socket.once("error", () => end(undefined));
    socket.connect(port, host, () => end(socket.address().address));
  });
}
