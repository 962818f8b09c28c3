import { expect, test } from "vitest";
import { metaOf } from "../../kinds/object.js";
import { limit } from "../../lib/limits.js";
import { Image } from "../../proto/gen/tallship/v1/image.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { HeldImages } from "../../scheduler/held-images.js";
import type { ControlWorld } from "../../test/kit/control-world.js";
import { nodeOf, podOf, snapshotOf } from "../../test/kit/schedule-world.js";
import { worldOfTest } from "../../test/kit/world-of-test.js";
import type { View } from "../cache/view.js";
import { ContentBook } from "../fabric/content-book.js";
import { ImageHoldings, type NodeHoldings } from "./image-holdings.js";
import { SchedulingLoop } from "./scheduling-loop.js";

const NAMES = ["a", "b", "c"];
const APP = "docker.io/library/app:v1";
const digestOf = (letter: string): string => `sha256:${letter.repeat(64)}`;
const CONTENT = ["1", "2", "3"].map(digestOf);

/** Three nodes with sessions, and an image of two gigabytes that none of them holds. */
async function newWorld(): Promise<{ readonly world: ControlWorld; readonly book: ContentBook }> {
  const world = await worldOfTest();
  const book = new ContentBook({ view: world.view, clock: world.clock, tell: () => undefined });
  for (const name of NAMES) {
    await world.put({ kind: "Node", object: nodeOf({ name }) });
    book.begin(name);
  }
  await world.put({ kind: "Image", object: imageNamed(APP, CONTENT) });
  return { world, book };
}

function imageNamed(name: string, [digest = "", configDigest = "", layer = ""]: readonly string[]): Image {
  const layers = [{ digest: layer, sizeBytes: 2_000_000_000 }];
  return Image.fromPartial({ metadata: { name }, spec: { digest, configDigest, layers, sizeBytes: 2_000_000_000 } });
}

async function runApp({ put, view }: ControlWorld, name: string): Promise<string> {
  const plain = podOf({ uid: `uid-${name}` });
  const metadata = { ...metaOf(plain), name, namespace: "default" };
  const spec = { ...plain.spec, containers: [{ name: "main", image: "app:v1" }] };
  await put({ kind: "Pod", object: Pod.fromPartial({ metadata, spec, status: { phase: "Pending" } }) });
  return view.get("Pod", "default", name)?.spec?.nodeName ?? "";
}

test("a pod goes where its image is, from the look on at which the leader has heard of it, and elsewhere once it is gone", async () => {
  const { world, book } = await newWorld();
  new SchedulingLoop({ ...world.deps, holdings: book.holdings }, world.stop.signal).start();
  await world.clock.advance(0);
  expect(await runApp(world, "before")).toBe("a");
  // All but a layer is no image: it would have to be fetched.
  book.report("b", { isWhole: false, added: CONTENT.slice(0, 2), removed: [] });
  book.report("c", { isWhole: false, added: CONTENT, removed: [] });
  await world.clock.advance(limit("schedulerImagesMs"));
  expect(await runApp(world, "held")).toBe("c");
  book.report("b", { isWhole: false, added: CONTENT.slice(2), removed: [] });
  book.report("c", { isWhole: false, added: [], removed: CONTENT.slice(2) });
  await world.clock.advance(limit("schedulerImagesMs"));
  expect(await runApp(world, "moved")).toBe("b");
});

test("what is told follows images that come, change and go, and nodes whose sessions end", async () => {
  const { world, book } = await newWorld();
  const snapshot = snapshotOf(NAMES.map((name) => nodeOf({ name })));
  const holdings = new ImageHoldings(snapshot.images);
  const holders = (): readonly string[] => {
    holdings.look(world.view, book.holdings);
    const points = snapshot.images.pointsFor("app:v1", snapshot.records);
    return NAMES.filter((_, slot) => (points?.bySlot[slot] ?? 0) > 0);
  };
  expect(holders()).toEqual([]);
  for (const name of ["a", "b"]) book.report(name, { isWhole: true, added: CONTENT, removed: [] });
  expect(holders()).toEqual(["a", "b"]);
  const told = snapshot.images.version;
  // Other content, and the same content again, are no news.
  book.report("c", { isWhole: false, added: [digestOf("9")], removed: [] });
  book.report("a", { isWhole: true, added: CONTENT, removed: [] });
  expect(holders()).toEqual(["a", "b"]);
  expect(snapshot.images.version).toBe(told);
  await world.edit("Image", APP, (live) => ({
    ...live,
    metadata: live.metadata && { ...live.metadata, labels: { team: "x" } },
  }));
  expect(holders()).toEqual(["a", "b"]);
  expect(snapshot.images.version).toBe(told);
  book.end("b");
  expect(holders()).toEqual(["a"]);
  await world.put({ kind: "Image", object: imageNamed(APP, [...CONTENT.slice(0, 2), digestOf("9")]) });
  expect(holders()).toEqual([]);
  book.report("c", { isWhole: false, added: CONTENT, removed: [] });
  expect(holders()).toEqual(["c"]);
  await world.drop({ kind: "Image", namespace: "", name: APP });
  expect(holders()).toEqual([]);
});

test("no more images are told than the scheduler takes, the newest; where there are more looks than one turn has time for, later turns take the rest", async () => {
  const { world } = await newWorld();
  const images = new HeldImages();
  const holdings = new ImageHoldings(images);
  const view = withImages(world.view, limit("schedulerImages") + 1);
  const many = holdersNumbered(2_000);
  holdings.look(view, many);
  expect(images.version).toBe(limit("schedulerImageLooks") / many.size);
  for (let turn = 0; turn < 30; turn += 1) holdings.look(view, many);
  expect(images.version).toBe(limit("schedulerImages"));
});

test("nodes that go before their turn came are no holders, those of an image that came meanwhile neither", async () => {
  const { world } = await newWorld();
  const snapshot = snapshotOf([nodeOf({ name: "node-2999" }), nodeOf({ name: "other" })]);
  const holdings = new ImageHoldings(snapshot.images);
  const most = (): number => snapshot.images.pointsFor("app:999", snapshot.records)?.most ?? 0;
  holdings.look(withImages(world.view, 999), new Map());
  holdings.look(withImages(world.view, 1_000), holdersNumbered(3_000));
  expect(most()).toBeGreaterThan(0);
  holdings.look(withImages(world.view, 1_000), new Map());
  expect(most()).toBe(0);
});

test("names that only nodes know are told by their word; a name of the cluster stands for what the cluster says, as long as it has it", async () => {
  const { world, book } = await newWorld();
  const snapshot = snapshotOf(NAMES.map((name) => nodeOf({ name })));
  const holdings = new ImageHoldings(snapshot.images);
  const holders = (image: string): string => {
    holdings.look(world.view, book.holdings);
    const points = snapshot.images.pointsFor(image, snapshot.records);
    return NAMES.filter((_, slot) => (points?.bySlot[slot] ?? 0) > 0).join("");
  };
  const side = "reg.example/team/side";
  const named = (name: string) => ({ name, sizeBytes: 2_000_000_000 });
  const added = [`${side}:v1`, `${side}@${digestOf("7")}`, APP].map(named);
  for (const name of ["a", "b"]) book.reportNames(name, { isWhole: true, added, removed: [] });
  book.report("c", { isWhole: true, added: CONTENT, removed: [] });
  expect(holders(`${side}:v1`)).toBe("ab");
  // The digest decides, whatever the tag beside it says.
  expect(holders(`${side}:v9@${digestOf("7")}`)).toBe("ab");
  expect(holders(`${side}:v1@${digestOf("8")}`)).toBe("");
  expect(holders(APP)).toBe("c");
  await world.drop({ kind: "Image", namespace: "", name: APP });
  expect(holders(APP)).toBe("ab");
  book.reportNames("a", { isWhole: false, added: [], removed: [`${side}:v1`] });
  expect(holders(`${side}:v1`)).toBe("b");
  book.end("b");
  expect(holders(`${side}:v1`)).toBe("");
  expect(holders(APP)).toBe("a");
  const told = snapshot.images.version;
  book.reportNames("a", { isWhole: true, added: added.slice(1), removed: [] });
  expect(holders(APP)).toBe("a");
  expect(snapshot.images.version).toBe(told);
});

function withImages(view: View, count: number): View {
  const list = Array.from({ length: count }, (_, at) => ({
    kind: "Image" as const,
    object: imageNamed(`docker.io/library/app:${at}`, CONTENT),
    revision: at + 1,
    bytes: new Uint8Array(),
  }));
  return { ...view, list: () => list } as unknown as View;
}

function holdersNumbered(count: number): NodeHoldings {
  return new Map(
    Array.from({ length: count }, (_, at) => [`node-${at}`, { version: at, held: new Set(CONTENT), named: new Map() }]),
  );
}
