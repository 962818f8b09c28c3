import { expect, test } from "vitest";
import { podAddresses } from "./pod-addresses.js";

test("a pod keeps the address that its link has, and one whose link is half made gets a new one", () => {
  const addresses = podAddresses({ podCIDR: "10.128.4.0/29" }, [
    { uid: "whole", address: "10.128.4.2" },
    { uid: "half", address: "" },
  ]);
  expect(addresses.claim("whole")).toBe("10.128.4.2");
  expect(addresses.claim("half")).not.toBe("");
  expect(addresses.claim("half")).not.toBe("10.128.4.2");
});

test("a pod has one address in each share, keeps them over a restart, and gives all back", () => {
  const before = podAddresses({ podCIDR: "10.128.4.0/29" }, []);
  const [first, second] = [before.claim("web"), before.claim("web", "10.64.0.0/29")];
  expect([first, second]).toEqual(["10.128.4.2", "10.64.0.2"]);
  const after = podAddresses({ podCIDR: "10.128.4.0/29" }, [
    { uid: "web", address: first, further: [{ interface: "eth1", address: second }] },
  ]);
  expect([after.claim("web", "10.64.0.0/29"), after.claim("web")]).toEqual([second, first]);
  expect(after.claim("other", "10.64.0.0/29")).toBe("10.64.0.3");
  after.release("web");
  const given = Array.from({ length: 4 }, (_, at) => after.claim(`late-${at}`, "10.64.0.0/29"));
  expect(given).toContain(second);
});
