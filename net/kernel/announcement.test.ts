import { expect, test } from "vitest";
import { advertisementBytes, announcement } from "./announcement.js";

test("an advertisement is unsolicited, overrides, and names the address and where it is", () => {
  const bytes = advertisementBytes("2001:db8::9", "02:00:5e:10:00:01");
  expect(bytes?.toString("hex")).toBe(
    ["88000000", "20000000", "20010db8000000000000000000000009", "0201", "02005e100001"].join(""),
  );
});

test("what is no address is told of to nobody", () => {
  for (const [ip, mac] of [
    ["192.0.2.1; reboot", "02:00:5e:10:00:01"],
    ["2001:db8::9", ""],
    ["2001:db8::9", "02:00:5e:10:00:01; reboot"],
  ] as const)
    expect(announcement({ ip, mac, device: "eth0", count: 3 })).toBe(":");
});
