import { expect, test } from "vitest";
import { outsideEtcd } from "./outside-etcd.js";

test("endpoints are read with and without their scheme", () => {
  expect(outsideEtcd("http://127.0.0.1:2379, http://[::1]:2379", undefined).endpoints()).toEqual([
    "127.0.0.1:2379",
    "[::1]:2379",
  ]);
});

// What would send secrets in the clear, or cannot be meant.
const refused = [
  { text: "http://10.0.0.1:2379", why: "loopback only" },
  { text: "https://10.0.0.1:2379", why: "needs --etcd-ca" },
  { text: "10.0.0.1:2379", why: "needs --etcd-ca" },
  { text: "http://127.0.0.1:1,https://127.0.0.1:2", why: "mixed" },
  { text: "https://10.0.0.1", why: "want https://host:port" },
  { text: "ftp://10.0.0.1:2379", why: "want https://host:port" },
  { text: "https://10.0.0.1:2379/path", why: "want https://host:port" },
  { text: "", why: "want https://host:port" },
];
test.each(refused)("$text is refused: $why", ({ text, why }) => {
  expect(() => outsideEtcd(text, undefined)).toThrow(why);
});

test("certificates that cannot be read are named", () => {
  const files = { ca: "/nowhere/ca.pem", certificate: "/nowhere/c.pem", key: "/nowhere/k.pem" };
  expect(() => outsideEtcd("https://10.0.0.1:2379", files)).toThrow("/nowhere/ca.pem");
});
