import { expect, test } from "vitest";
import { limit } from "../../lib/limits.js";
import { ManualClock } from "../../test/kit/manual-clock.js";
import { TableLooks } from "./table-looks.js";

/** A network namespace whose tables say how often they were asked: `ip` answers a question by itself and the number of the process. */
function namespace() {
  let processes = 0;
  const request = async (script: string): Promise<string> => {
    processes += 1;
    const shows = script.split("\n").slice(1, -2);
    return shows.map((show) => `${show} #${processes}\n`).join("");
  };
  return { shell: { request }, started: () => processes };
}

const UNDERLAY = ["address"];
const ENTRIES = ["links", "neighbours", "routes"];
const PODS = ["ends", "neighbours"];

async function checked(looks: TableLooks): Promise<string> {
  const found = [await looks.begin(UNDERLAY), await looks.show("entries", ENTRIES), await looks.show("pods", PODS)];
  return found.flat().join(" ");
}

test("once it is known what is asked for, one ip answers a whole check, and each check sees what is there then", async () => {
  const { shell, started } = namespace();
  const looks = new TableLooks(shell, new ManualClock());
  await checked(looks);
  expect(started()).toBe(3);
  expect(await checked(looks)).toBe("address #4 links #4 neighbours #4 routes #4 ends #4 neighbours #4");
  expect(await checked(looks)).toBe("address #5 links #5 neighbours #5 routes #5 ends #5 neighbours #5");
});

// Each row is something after which what a look found does not say what is there.
const STALE: readonly { readonly name: string; readonly happen: (looks: TableLooks, clock: ManualClock) => unknown }[] =
  [
    { name: "a change through this edge", happen: (looks) => looks.changed() },
    { name: "some time", happen: (_, clock) => clock.advance(limit("netLookMs") + 1) },
    { name: "the same part's having taken its answers", happen: (looks) => looks.show("pods", PODS) },
  ];
for (const { name, happen } of STALE)
  test(`after ${name}, whoever asks is told what is there now`, async () => {
    const { shell } = namespace();
    const clock = new ManualClock();
    const looks = new TableLooks(shell, clock);
    await checked(looks);
    await looks.begin(UNDERLAY);
    await happen(looks, clock);
    expect(await looks.show("pods", PODS)).toEqual(["ends #5", "neighbours #5"]);
  });

test("a part that asks for other tables than before is told of those", async () => {
  const { shell } = namespace();
  const looks = new TableLooks(shell, new ManualClock());
  await checked(looks);
  await looks.begin(UNDERLAY);
  expect(await looks.show("entries", [...ENTRIES, "rules"])).toEqual([
    "links #5",
    "neighbours #5",
    "routes #5",
    "rules #5",
  ]);
});

test("an ip that breaks off fails everybody who waits for its answers, and nobody after them", async () => {
  const { shell } = namespace();
  let isBroken = false;
  const request = async (script: string): Promise<string> => (isBroken ? "" : shell.request(script));
  const looks = new TableLooks({ request }, new ManualClock());
  await checked(looks);
  isBroken = true;
  const begun = looks.begin(UNDERLAY);
  const entries = looks.show("entries", ENTRIES);
  await expect(begun).rejects.toMatchObject({ code: "kernel_failed" });
  await expect(entries).rejects.toMatchObject({ code: "kernel_failed" });
  isBroken = false;
  expect(await looks.show("entries", ENTRIES)).toEqual(["links #4", "neighbours #4", "routes #4"]);
});
