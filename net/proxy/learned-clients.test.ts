import { expect, test } from "vitest";
import { asTakenBack } from "./learned-clients.js";

// Times of elements as nft lists them, and as they can be added again.
const rows = [
  ["timeout 1m expires 59s964ms", "timeout 1m expires 59s964ms"],
  ["timeout 3h expires 2h59m59s992ms", "timeout 3h expires 2h59m59s992ms"],
  ["timeout 10s expires 10s", "timeout 10s expires 10s"],
  ["timeout 10s expires 59s964ms", "timeout 59s964ms expires 59s964ms"],
  ["timeout 1s expires 1d2h", "timeout 1d2h expires 1d2h"],
  ["timeout 1s", "timeout 1s"],
] as const;
for (const [listed, want] of rows)
  test(`${listed} is taken back as ${want}`, () => {
    const element = { map: "affinities", key: `0x5e95636b . udp . 91 ${listed}`, value: "0x0a800409" } as const;
    expect(asTakenBack(element)).toEqual({ ...element, key: `0x5e95636b . udp . 91 ${want}` });
  });
