import { describe, expect, test } from "vitest";
import { TallshipError } from "../../lib/errors.js";
import { Pipe } from "../../lib/transport/pipe.js";
import { type ExecInput, LogsChunk, LogsRequest, StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";
import { waitFor } from "../kit/wait.js";
import {
  chunk,
  collect,
  silent,
  stdin,
  stdout,
  streams,
  type TransportHarness,
  transportFixture,
  untilAborted,
} from "./transport-fixture.js";

/** What every transport promises of streams. */
export function transportStreamsConformance(name: string, makeHarness: () => Promise<TransportHarness>): void {
  describe(`streams: ${name}`, () => {
    const { harness, dial, withStreams } = transportFixture(makeHarness);

    describe("response streams", () => {
      test("messages arrive in order, and all of them", async () => {
        const client = await withStreams({
          logs: async function* ({ tailLines }) {
            for (let line = 0; line < (tailLines ?? 0); line += 1) yield chunk(`${line}`);
          },
        });
        const chunks = await collect(client.logs(LogsRequest.fromPartial({ tailLines: 1_000 })));
        expect(chunks.map(({ bytes }) => Number(bytes))).toEqual(Array.from({ length: 1_000 }, (_, line) => line));
      });

      test("an error comes after the messages before it", async () => {
        const client = await withStreams({
          logs: async function* () {
            for (let line = 0; line < 40; line += 1) yield chunk(`${line}`);
            throw new TallshipError("history_lost", "gone");
          },
        });
        const seen: string[] = [];
        const reading = (async () => {
          for await (const { bytes } of client.logs(LogsRequest.fromPartial({}))) seen.push(`${bytes}`);
        })();
        await expect(reading).rejects.toMatchObject({ code: "history_lost", message: "gone" });
        expect(seen).toHaveLength(40);
      });

      test("a caller that leaves its loop ends the call on the server", async () => {
        let signal = silent;
        let isOver = false;
        const client = await withStreams({
          logs: async function* (_request, context) {
            signal = context.signal;
            try {
              for (;;) yield chunk("again");
            } finally {
              isOver = true;
            }
          },
        });
        for await (const _chunk of client.logs(LogsRequest.fromPartial({}))) break;
        await waitFor("the server to notice", () => signal.aborted && isOver);
      });

      test("a caller that reads nothing holds the server back", async () => {
        let sentCount = 0;
        const block = Buffer.alloc(256 << 10);
        const client = await withStreams({
          logs: async function* () {
            for (; sentCount < 400; sentCount += 1) yield LogsChunk.fromPartial({ bytes: block });
          },
        });
        const reader = client.logs(LogsRequest.fromPartial({}))[Symbol.asyncIterator]();
        await reader.next();
        let lastCount = -1;
        await waitFor(
          "the server to stand still",
          () => {
            const isStill = lastCount === sentCount;
            lastCount = sentCount;
            return isStill;
          },
          { everyMs: 100 },
        );
        expect(sentCount).toBeLessThan(100);
        let count = 1;
        while ((await reader.next()).done !== true) count += 1;
        expect(count).toBe(400);
      });

      test("aborting ends a silent stream on both sides", async () => {
        let signal = silent;
        const client = await withStreams({
          logs: (_request, context) => {
            signal = context.signal;
            return untilAborted(context.signal);
          },
        });
        const abort = new AbortController();
        const failed = expect(
          collect(client.logs(LogsRequest.fromPartial({}), { signal: abort.signal })),
        ).rejects.toMatchObject({
          code: "cancelled",
        });
        await waitFor("the handler to run", () => signal !== silent);
        abort.abort();
        await failed;
        await waitFor("the server to notice", () => signal.aborted);
      });

      test("a stream without a deadline outlives that of unary calls", async () => {
        const go = new Pipe<LogsChunk>(16);
        const client = await withStreams({ logs: () => go });
        const reader = client.logs(LogsRequest.fromPartial({}), { deadlineMs: undefined })[Symbol.asyncIterator]();
        go.push(chunk("early"));
        await reader.next();
        await harness().elapse(400);
        go.push(chunk("late"));
        go.end();
        expect(`${(await reader.next()).value.bytes}`).toBe("late");
        expect((await reader.next()).done).toBe(true);
      });

      test("a server that closes ends streams with unavailable", async () => {
        let signal = silent;
        const server = await harness().serve([
          streams({
            logs: (_request, context) => {
              signal = context.signal;
              return untilAborted(context.signal);
            },
          }),
        ]);
        const failed = expect(
          collect(dial(server.address).client(StreamsDefinition).logs(LogsRequest.fromPartial({}))),
        ).rejects.toMatchObject({
          code: "unavailable",
        });
        await waitFor("the handler to run", () => signal !== silent);
        await server.close();
        await failed;
      });
    });

    describe("request streams", () => {
      test("both directions flow at once, and the end of one leaves the other open", async () => {
        const client = await withStreams({
          exec: async function* (inputs) {
            for await (const { part } of inputs) {
              if (part?.$case === "stdin") yield stdout(`<${part.value}>`);
            }
            yield stdout("bye");
          },
        });
        const inputs = new Pipe<ExecInput>(16);
        const outputs = client.exec(inputs)[Symbol.asyncIterator]();
        for (const text of ["a", "b"]) {
          inputs.push(stdin(text));
          expect((await outputs.next()).value).toEqual(stdout(`<${text}>`));
        }
        inputs.end();
        expect((await outputs.next()).value).toEqual(stdout("bye"));
        expect((await outputs.next()).done).toBe(true);
      });

      test("a server that answers without reading ends the caller's stream", async () => {
        const client = await withStreams({
          exec: async function* () {
            yield stdout("enough");
          },
        });
        let isStopped = false;
        const endless = async function* (): AsyncGenerator<ExecInput> {
          try {
            for (;;) yield stdin("more");
          } finally {
            isStopped = true;
          }
        };
        expect(await collect(client.exec(endless()))).toEqual([stdout("enough")]);
        await waitFor("the sender to be stopped", () => isStopped);
      });

      test("a failing request stream ends the call with its error", async () => {
        let signal = silent;
        const client = await withStreams({
          exec: (_inputs, context) => {
            signal = context.signal;
            return untilAborted(context.signal);
          },
        });
        const failing = async function* (): AsyncGenerator<ExecInput> {
          yield stdin("one");
          await waitFor("the handler to run", () => signal !== silent);
          throw new TallshipError("disk_failed", "cannot read the input");
        };
        await expect(collect(client.exec(failing()))).rejects.toMatchObject({ code: "disk_failed" });
        await waitFor("the server to notice", () => signal.aborted);
      });

      test("a caller that goes away is seen as cancelled by who reads its messages", async () => {
        let seen: unknown;
        const client = await withStreams({
          exec: async function* (inputs) {
            yield stdout("ready");
            seen = await collect(inputs).catch((error: unknown) => error);
          },
        });
        for await (const _output of client.exec(new Pipe<ExecInput>(16))) break;
        await waitFor("the server to notice", () => seen !== undefined);
        expect(seen).toMatchObject({ code: "cancelled" });
      });
    });
  });
}
