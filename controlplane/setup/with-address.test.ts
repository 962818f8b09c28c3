import { expect, test } from "vitest";
import { withAddress } from "./with-address.js";

// What stands in a context file, and what becomes of it when 10.0.0.1:7443 has moved.
const rows = [
  { text: "servers: [10.0.0.1:7443]", want: "servers: [10.0.0.9:7443]" },
  { text: "- 10.0.0.1:7443\n- 10.0.0.2:7443\n", want: "- 10.0.0.9:7443\n- 10.0.0.2:7443\n" },
  { text: "https://10.0.0.1:7443/", want: "https://10.0.0.9:7443/" },
  { text: "10.0.0.1:7443 10.0.0.1:7443", want: "10.0.0.9:7443 10.0.0.9:7443" },
  // Others' that hold it within theirs.
  { text: "110.0.0.1:7443", want: "110.0.0.1:7443" },
  { text: "2.10.0.0.1:7443", want: "2.10.0.0.1:7443" },
  { text: "10.0.0.1:74431", want: "10.0.0.1:74431" },
  { text: "10.0.0.1:7444", want: "10.0.0.1:7444" },
];
for (const { text, want } of rows)
  test(`a moved address in ${JSON.stringify(text)}`, () =>
    expect(withAddress(text, "10.0.0.1:7443", "10.0.0.9:7443")).toBe(want));
