import { expect, test } from "vitest";
import { AsyncQueue } from "../../lib/async-queue.js";
import { TallshipError } from "../../lib/errors.js";
import type { Channel, Dialer } from "../../lib/transport/service.js";
import { type NodeMessage, NodesDefinition } from "../../proto/gen/tallship/v1/session.js";
import { settle } from "../../test/kit/manual-clock.js";
import { ConnectLanes, lanedDialer } from "./connect-lanes.js";

/** Streams that a test answers or fails, by the address that was dialled. */
function fakePeers() {
  const open = new Map<string, { answer: () => void; fail: () => void }[]>();
  const stream = (address: string): AsyncIterable<unknown> => {
    const events: ("answer" | "fail")[] = [];
    let wake = (): void => undefined;
    const note = (event: "answer" | "fail") => () => {
      events.push(event);
      wake();
    };
    open.set(address, [...(open.get(address) ?? []), { answer: note("answer"), fail: note("fail") }]);
    return {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve));
          if (events.shift() === "fail") throw new TallshipError("unavailable", "no connection");
          yield {};
        }
      },
    };
  };
  const dialer = {
    dial: (address: string): Channel => ({
      address,
      client: () => ({ session: () => stream(address) }) as never,
      close: () => undefined,
    }),
  } satisfies Dialer;
  return { dialer, open };
}

const read = async (channel: Channel): Promise<void> => {
  for await (const _ of channel.client(NodesDefinition).session(new AsyncQueue<NodeMessage>(1)));
};

test("as many connect at a time as there are lanes; a lane is free once its channel is answered or has failed, and a channel that is up needs none", async () => {
  const { dialer, open } = fakePeers();
  const laned = lanedDialer(dialer, new ConnectLanes(1));
  const [a, b, c] = [laned.dial("a"), laned.dial("b"), laned.dial("c")];
  const failing = expect(read(a)).rejects.toMatchObject({ code: "unavailable" });
  for (const channel of [a, b, c]) void read(channel).catch(() => undefined);
  await settle();
  // Both calls of the first share its lane.
  expect([...open].map(([address, streams]) => [address, streams.length])).toEqual([["a", 2]]);
  open.get("a")?.[0]?.fail();
  await failing;
  await settle();
  expect([...open.keys()]).toEqual(["a", "b"]);
  open.get("b")?.[0]?.answer();
  await settle();
  expect([...open.keys()]).toEqual(["a", "b", "c"]);
  void read(b).catch(() => undefined);
  await settle();
  expect(open.get("b")).toHaveLength(2);
});
