import fc from "fast-check";
import { expect, test } from "vitest";
import { ElementReader, tableText } from "./nft-parse.js";

const LISTING = `table inet tallship {
	map services {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.96.1.2 . tcp . 80 : goto pick-1,
			     10.96.1.3 . udp . 53 : goto pick-2 }
	}
}
table inet tallship {
	map node-ports {
		type inet_proto . inet_service : verdict
	}
}
table inet tallship {
	set hairpins {
		type ipv4_addr . ipv4_addr
		elements = { 10.128.4.9 . 10.128.4.9, 10.128.4.10 . 10.128.4.10,
			     10.128.4.11 . 10.128.4.11 }
	}
}
`;

test("every element is read once, wherever the listing is cut into pieces", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(LISTING.length), { maxLength: 6 }), (cuts) => {
      const found: string[] = [];
      const reader = new ElementReader(
        ({ map, key, value }) => found.push(`${map} ${key}=${value}`),
        (name) => name,
      );
      const bounds = [0, ...cuts.sort((one, other) => one - other), LISTING.length];
      for (const [at, start] of bounds.entries()) reader.push(LISTING.slice(start, bounds[at + 1] ?? start));
      expect(found).toEqual([
        "services 10.96.1.2 . tcp . 80=goto pick-1",
        "services 10.96.1.3 . udp . 53=goto pick-2",
        "hairpins 10.128.4.9 . 10.128.4.9=",
        "hairpins 10.128.4.10 . 10.128.4.10=",
        "hairpins 10.128.4.11 . 10.128.4.11=",
      ]);
    }),
  );
});

test("a table is found among others, and one of a longer name is not taken for it", () => {
  const ruleset =
    "table inet tallship-owner {\n\tchain a {\n\t}\n}\ntable inet tallship {\n\tchain b {\n\t}\n}\ntable ip x {\n}\n";
  expect(tableText(ruleset, "inet tallship")).toBe("table inet tallship {\n\tchain b {\n\t}\n}");
  expect(tableText("table inet tallship-owner {\n}\n", "inet tallship")).toBe("");
});
