import { expect, test } from "vitest";
import { podAddresses } from "./pod-addresses.js";

test("a pod keeps the address that its link has, and one whose link is half made gets a new one", () => {
  const addresses = podAddresses("10.128.4.0/29", [
    { uid: "whole", address: "10.128.4.2" },
    { uid: "half", address: "" },
  ]);
  expect(addresses.claim("whole")).toBe("10.128.4.2");
  expect(addresses.claim("half")).not.toBe("");
  expect(addresses.claim("half")).not.toBe("10.128.4.2");
});
