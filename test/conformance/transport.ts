import { describe, expect, test } from "vitest";
import { TallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import type { CallContext } from "../../lib/transport/service.js";
import { ClusterDefinition, InfoRequest, InfoResponse } from "../../proto/gen/tallship/v1/api.js";
import { waitFor } from "../kit/wait.js";
import { admin, cluster, silent, streams, type TransportHarness, transportFixture } from "./transport-fixture.js";
import { transportStreamsConformance } from "./transport-streams.js";

/** What every transport promises. */
export function transportConformance(name: string, makeHarness: () => Promise<TransportHarness>): void {
  describe(`transport: ${name}`, () => {
    const { harness, dial, withInfo } = transportFixture(makeHarness);
    const request = InfoRequest.fromPartial({});

    describe("unary calls", () => {
      test("the answer arrives as it was given, and the server knows who asks", async () => {
        let seen: CallContext | undefined;
        const client = await withInfo(async (_request, context) => {
          seen = context;
          return InfoResponse.fromPartial({ version: "1", controlPlaneAddresses: ["a:1", "b:2"] });
        });
        const answer = await client.info(request);
        expect(answer).toEqual(InfoResponse.fromPartial({ version: "1", controlPlaneAddresses: ["a:1", "b:2"] }));
        expect(seen?.identity).toEqual(admin);
      });

      test("an error arrives with its code, message and details", async () => {
        const message = 'update Pod/web-0: "50 %" of ünïcode\nand a second line';
        const client = await withInfo(async () => {
          throw new TallshipError("not_leader", message, { details: { leader: "10.0.0.1:7443", odd: "ü %\n" } });
        });
        await expect(client.info(request)).rejects.toMatchObject({
          code: "not_leader",
          message,
          details: { leader: "10.0.0.1:7443", odd: "ü %\n" },
        });
      });

      test("an error that is no TallshipError arrives as internal", async () => {
        const client = await withInfo(async () => {
          throw new TypeError("x is not a function");
        });
        await expect(client.info(request)).rejects.toMatchObject({ code: "internal", message: "x is not a function" });
      });

      test("a refused identity gets the refusal, and the handler does not run", async () => {
        let ran = false;
        const client = await withInfo(
          async () => {
            ran = true;
            return InfoResponse.fromPartial({});
          },
          (identity, method) => new TallshipError("forbidden", `${identity.role} may not call ${method}`),
        );
        await expect(client.info(request)).rejects.toMatchObject({
          code: "forbidden",
          message: "admin may not call Info",
        });
        expect(ran).toBe(false);
      });

      test("a service that is not served is not_supported", async () => {
        const { address } = await harness().serve([streams({})]);
        await expect(dial(address).client(ClusterDefinition).info(request)).rejects.toMatchObject({
          code: "not_supported",
        });
      });

      test("an address where nothing listens is unavailable, and the message names it", async () => {
        await expect(dial(harness().deadAddress).client(ClusterDefinition).info(request)).rejects.toMatchObject({
          code: "unavailable",
          message: expect.stringContaining(harness().deadAddress),
        });
      });

      test("the deadline ends the call on both sides", async () => {
        let signal = silent;
        const client = await withInfo((_request, context) => {
          signal = context.signal;
          return new Promise(() => undefined);
        });
        const failed = expect(client.info(request, { deadlineMs: 300 })).rejects.toMatchObject({
          code: "deadline_exceeded",
        });
        await waitFor("the handler to run", () => signal !== silent);
        await harness().elapse(310);
        await failed;
        await waitFor("the server to notice", () => signal.aborted);
      });

      test("aborting ends the call on both sides with cancelled", async () => {
        let signal = silent;
        const client = await withInfo((_request, context) => {
          signal = context.signal;
          return new Promise(() => undefined);
        });
        const abort = new AbortController();
        const failed = expect(client.info(request, { signal: abort.signal })).rejects.toMatchObject({
          code: "cancelled",
        });
        await waitFor("the handler to run", () => signal !== silent);
        abort.abort();
        await failed;
        await waitFor("the server to notice", () => signal.aborted);
      });

      test("a call with an aborted signal fails with cancelled", async () => {
        const client = await withInfo(async () => InfoResponse.fromPartial({}));
        await expect(client.info(request, { signal: AbortSignal.abort() })).rejects.toMatchObject({
          code: "cancelled",
        });
      });

      test("a message beyond the limit is too_large", async () => {
        const client = await withInfo(async () =>
          InfoResponse.fromPartial({ version: "x".repeat(LIMITS.grpcMessageBytes.value) }),
        );
        await expect(client.info(request)).rejects.toMatchObject({ code: "too_large" });
      });

      test("a closed channel fails with cancelled", async () => {
        const { address } = await harness().serve([cluster(async () => InfoResponse.fromPartial({}))]);
        const channel = dial(address);
        channel.close();
        await expect(channel.client(ClusterDefinition).info(request)).rejects.toMatchObject({ code: "cancelled" });
      });
    });
  });
  transportStreamsConformance(name, makeHarness);
}
