import { afterEach, beforeEach, expect, test } from "vitest";
import { Election, type Leadership } from "../../controlplane/store/election.js";
import { ensureEpoch } from "../../controlplane/store/epoch.js";
import type { FollowDeps } from "../../controlplane/store/follow-key.js";
import { META } from "../../controlplane/store/keys.js";
import type { Store } from "../../controlplane/store/store.js";
import type { Clock } from "../../lib/clock.js";
import { silentLog } from "../../lib/log.js";
import { seededRng } from "../../lib/rng.js";

/** What the suite needs: a cluster in which nobody leads. */
export interface ElectionBench {
  connect(): Promise<Store>;
  readonly clock: Clock;
  passTime(ms: number): Promise<void>;
}

/** Elections and the epoch hold over every Store. */
export function electionConformance(name: string, open: () => Promise<ElectionBench>): void {
  let bench: ElectionBench;
  let stop: AbortController;
  let opened: Store[];
  beforeEach(async () => {
    bench = await open();
    stop = new AbortController();
    opened = [];
  });
  afterEach(async () => {
    stop.abort();
    for (const store of opened) await store.close();
  });
  const replica = async (id: string): Promise<FollowDeps & { readonly election: Election }> => {
    const store = await bench.connect();
    opened.push(store);
    const deps = { store, clock: bench.clock, rng: seededRng(1), log: silentLog };
    return { ...deps, election: new Election(deps, { id, address: `${id}:7443` }) };
  };
  const x = { op: "put", key: "/tallship/x", value: new Uint8Array(1) } as const;

  test(`${name}: of three campaigns one leads, and its guard holds`, async () => {
    const replicas = await Promise.all(["a", "b", "c"].map(replica));
    const elected: Leadership[] = [];
    for (const { election } of replicas)
      election.campaign(stop.signal).then(
        (leadership) => elected.push(leadership),
        () => undefined,
      );
    await bench.passTime(4_000);
    expect(elected).toHaveLength(1);
    const [guard, store] = [elected[0]?.guard, replicas[0]?.store];
    expect((await store?.transact({ guard, checks: [], writes: [x] }))?.is).toBe("committed");
    expect((await store?.get(META.leader))?.createRevision).toBe(guard?.createRevision);
    await elected[0]?.resign();
  });

  test(`${name}: a leader that dies is followed by another, and nothing it sent late is written`, async () => {
    const [a, b] = await Promise.all([replica("a"), replica("b")]);
    const first = await a.election.campaign(stop.signal);
    const second = b.election.campaign(stop.signal);
    await a.store.close();
    await bench.passTime(4_000);
    const { guard, resign } = await second;
    expect(first.lost.aborted).toBe(true);
    expect(guard.createRevision).toBeGreaterThan(first.guard.createRevision);
    const late = { guard: first.guard, checks: [], writes: [x] };
    expect(await b.store.transact(late)).toEqual({ is: "guard_failed" });
    await resign();
    expect(await b.store.get(META.leader)).toBeUndefined();
  });

  test(`${name}: every replica has the same epoch`, async () => {
    const replicas = await Promise.all(["a", "b", "c"].map(replica));
    const epochs = await Promise.all(
      replicas.map(({ store }, seed) => ensureEpoch(store, bench.clock, seededRng(seed))),
    );
    expect(new Set(epochs).size).toBe(1);
  });
}
