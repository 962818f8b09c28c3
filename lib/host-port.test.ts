import { expect, test } from "vitest";
import { hostPort } from "./host-port.js";

test("addresses of IPv6 stand in brackets before a port, others as they are", () => {
  expect(hostPort("10.0.0.1", 1)).toBe("10.0.0.1:1");
  expect(hostPort("fd00::1", 1)).toBe("[fd00::1]:1");
  expect(hostPort("db.example", "http")).toBe("db.example:http");
});
