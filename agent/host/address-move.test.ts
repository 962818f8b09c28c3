import { expect, test } from "vitest";
import { addressMove } from "./address-move.js";

const away = {
  known: "192.0.2.1",
  present: ["192.0.2.9"],
  towards: "192.0.2.9",
  isNew: false,
  goneMs: 10_000,
  isControlPlane: false,
};

// Each row is one reason to move or to stay.
const rows = [
  { name: "the address is there", ground: { ...away, present: ["192.0.2.1", "192.0.2.9"] }, want: "here" },
  { name: "it has been away for long and another leads to the control plane", ground: away, want: "moved" },
  {
    name: "it has been away for a moment: the device may be made anew",
    ground: { ...away, goneMs: 500 },
    want: "awaited",
  },
  {
    name: "it has been away for a moment, and the host has another since",
    ground: { ...away, isNew: true, goneMs: 500 },
    want: "moved",
  },
  { name: "it is gone just now, and another is there", ground: { ...away, isNew: true, goneMs: 0 }, want: "awaited" },
  { name: "nothing leads to the control plane", ground: { ...away, towards: undefined }, want: "awaited" },
  { name: "what leads there is an address that goes just now", ground: { ...away, present: [] }, want: "awaited" },
  { name: "the host is a control plane", ground: { ...away, isControlPlane: true }, want: "awaited" },
];

for (const { name, ground, want } of rows) {
  test(`${want}: ${name}`, () => {
    const move = addressMove(ground);
    expect(move.is).toBe(want);
    if (move.is === "moved") expect(move.to).toBe("192.0.2.9");
  });
}
