import { expect, test } from "vitest";
import { NetworkReport } from "../../proto/gen/tallship/v1/nethealth.js";
import { Node } from "../../proto/gen/tallship/v1/node.js";
import { controlWorld } from "../../test/kit/control-world.js";
import { NetworkBook } from "../sessions/network-book.js";
import { netCheckOf } from "./net-check.js";

async function check(book: NetworkBook, names: readonly string[]) {
  const world = await controlWorld();
  for (const name of names) await world.put({ kind: "Node", object: Node.fromPartial({ metadata: { name } }) });
  const answer = netCheckOf(world.view, book.all);
  world.stop.abort();
  return answer;
}

const path = (peer: string, fault = "", message = "") => ({ peer, fault, message });
const report = (...paths: ReturnType<typeof path>[]) => NetworkReport.fromPartial({ paths });

test("pairs are those of nodes that are there, in order, and nodes that told nothing are named", async () => {
  const book = new NetworkBook();
  book.take("b", report(path("c"), path("a"), path("left")));
  book.take("left", report(path("a")));
  book.take("c", report());
  const { pairs, silent } = await check(book, ["a", "b", "c"]);
  expect(pairs.map(({ from, path: way }) => `${from}-${way?.peer}`)).toEqual(["b-a", "b-c"]);
  expect(silent).toEqual(["a"]);
});

test("what a node reports later adds to what it said, a whole report replaces it, and an ended session takes it away", async () => {
  const book = new NetworkBook();
  const said = () =>
    book.all.nodes.map(({ name, report: of }) => `${name}: ${of?.paths.map((each) => each.peer + each.fault)}`);
  book.take("a", report(path("b"), path("c")));
  book.take("a", NetworkReport.fromPartial({ paths: [path("c", "OneWay")], gone: ["b"] }));
  expect(said()).toEqual(["a: cOneWay"]);
  book.take("a", NetworkReport.fromPartial({ isWhole: true, paths: [path("d")] }));
  expect(said()).toEqual(["a: d"]);
  book.forget("a");
  expect(said()).toEqual([]);
});

test("of a direction that is cut the end that hears nothing tells what the other end knows", async () => {
  const book = new NetworkBook();
  book.take("a", report(path("b", "OneWay", "packets of b arrive here")));
  book.take("b", report(path("a", "PeerUnreachable", "nothing reaches a")));
  const { pairs } = await check(book, ["a", "b"]);
  expect(pairs.map(({ path: way }) => way?.fault)).toEqual(["OneWay", "OneWay"]);
  expect(pairs[1]?.path?.message).toBe("packets of b arrive at a, packets of a do not arrive at b");
});
