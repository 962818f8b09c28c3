import type { Testbed } from "../../test/testbed/testbed.js";
import { type BenchContext, median } from "../harness.js";
import { barePath, giveCores, measure, type Path } from "../paths.js";
import { type DockerHosts, withSwarm } from "./docker-hosts.js";
import type { DockerPrograms } from "./docker-package.js";

/** What Docker's overlay carries of the bare link of its hosts, and how much longer a round trip takes. */
export interface OverlayShare {
  readonly tcp1Ratio: number;
  readonly rttRatio: number;
}

/** Docker's overlay on two hosts of its own. */
export function dockerOverlay(context: BenchContext, programs: DockerPrograms): Promise<OverlayShare> {
  return withSwarm(context, { programs, hostCount: 2 }, (swarm) => overlayShare(context, swarm));
}

/** Docker's overlay between the first two hosts of a swarm, bare and overlay in turns. */
export async function overlayShare(context: BenchContext, swarm: DockerHosts): Promise<OverlayShare> {
  await swarm.serve("net", swarm.testbed.layout.hosts.length, ["--mode", "replicated"], ["sleep", "1000000"]);
  await swarm.waitRunning("net", swarm.testbed.layout.hosts.length);
  const share = await shareOfBare(context, swarm.testbed, { name: "docker", path: await swarm.path("net") });
  await swarm.unserve("net");
  return share;
}

/** A path and the bare link between the first two hosts, in turns. */
export async function shareOfBare(
  context: BenchContext,
  testbed: Testbed,
  { name, path }: { readonly name: string; readonly path: Path },
): Promise<OverlayShare> {
  const seconds = context.isQuick ? 1 : 2;
  await giveCores(testbed);
  const shares: { readonly tcp1: number; readonly rtt: number }[] = [];
  for (let round = 0; round < (context.isQuick ? 1 : 5); round += 1) {
    const bare = await measure(barePath(testbed), seconds);
    const own = await measure(path, seconds);
    const carried = `${(own.tcp1 / 1e9).toFixed(2)} of ${(bare.tcp1 / 1e9).toFixed(2)} Gbit/s`;
    context.report(`${name}: ${carried}, ${own.rttMs.toFixed(3)} of ${bare.rttMs.toFixed(3)} ms`);
    shares.push({ tcp1: own.tcp1 / bare.tcp1, rtt: own.rttMs / bare.rttMs });
  }
  return { tcp1Ratio: median(shares.map(({ tcp1 }) => tcp1)), rttRatio: median(shares.map(({ rtt }) => rtt)) };
}
