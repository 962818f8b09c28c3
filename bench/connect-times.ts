// Edge: sockets, for a process of its own inside of a network namespace.
import { connect } from "node:net";

/** Prints the median microseconds of a TCP connect to one address and to the others, in turn, as a JSON list of two. */
export async function timeConnects(through: string, count: number, direct: readonly string[]): Promise<void> {
  const took: readonly [number[], number[]] = [[], []];
  for (let at = 0; at < count; at += 1) {
    took[0].push(await connectUs(through));
    took[1].push(await connectUs(direct[at % direct.length] ?? through));
  }
  console.log(JSON.stringify(took.map((each) => each.sort((one, other) => one - other)[Math.floor(each.length / 2)])));
}

function connectUs(target: string): Promise<number> {
  const [host = "", port = ""] = target.split(":");
  return new Promise((resolve, reject) => {
    const startedAt = process.hrtime.bigint();
    const socket = connect({ host, port: Number(port), noDelay: true }, () => {
      const us = Number(process.hrtime.bigint() - startedAt) / 1_000;
      socket.resetAndDestroy();
      socket.once("close", () => resolve(us));
    });
    socket.once("error", reject);
  });
}
