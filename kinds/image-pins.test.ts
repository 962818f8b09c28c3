import { expect, test } from "vitest";
import { Pod, PodTemplateSpec } from "../proto/gen/tallship/v1/pod.js";
import { imagePins, pinAnnotation, pinnedImage } from "./image-pins.js";

const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;
const template = (...images: readonly string[]): PodTemplateSpec =>
  PodTemplateSpec.fromPartial({ spec: { containers: images.map((image, at) => ({ name: `c${at}`, image })) } });
const pod = (...ids: readonly string[]): Pod =>
  Pod.fromPartial({
    metadata: {},
    status: { containerStatuses: ids.map((imageID, at) => ({ name: `c${at}`, imageID })) },
  });

const born = (at: string, name: string, { status }: Pod): Pod =>
  Pod.fromPartial({ metadata: { name, creationTimestamp: `2030-01-01T${at}:00Z` }, status });

// Each row: what a template names, what its pods run, and what stood.
const rows: readonly {
  readonly name: string;
  readonly images: readonly string[];
  readonly pods: readonly Pod[];
  readonly before: Readonly<Record<string, string>>;
  readonly want: Readonly<Record<string, string>>;
}[] = [
  {
    name: "the first that says it decides",
    images: ["a:1"],
    pods: [pod(""), pod(`a:1@${digest("1")}`), pod(`a:1@${digest("2")}`)],
    before: {},
    want: { c0: `a:1@${digest("1")}` },
  },
  {
    name: "the oldest decides, whatever the order",
    images: ["a:1"],
    pods: [
      born("10:02", "a", pod(`a:1@${digest("2")}`)),
      born("10:01", "z", pod(`a:1@${digest("3")}`)),
      born("10:01", "b", pod(`a:1@${digest("4")}`)),
      born("10:00", "a", pod("")),
    ],
    before: {},
    want: { c0: `a:1@${digest("4")}` },
  },
  {
    name: "what stands stays",
    images: ["a:1"],
    pods: [pod(`a:1@${digest("2")}`)],
    before: { c0: `a:1@${digest("1")}` },
    want: { c0: `a:1@${digest("1")}` },
  },
  {
    name: "another image has another",
    images: ["a:2"],
    pods: [pod(`a:1@${digest("2")}`)],
    before: { c0: `a:1@${digest("1")}` },
    want: {},
  },
  {
    name: "a digest in the template needs none",
    images: [`a@${digest("1")}`],
    pods: [pod(`a@${digest("1")}`)],
    before: {},
    want: {},
  },
  { name: "what is no digest pins nothing", images: ["a:1"], pods: [pod("a:1@sha256:1")], before: {}, want: {} },
];
test.each(rows)("pins: $name", ({ images, pods, before, want }) =>
  expect(imagePins(template(...images), pods, before)).toEqual(want),
);

test("a pod asks for what its annotation says of its container, and for its tag when that is malformed", () => {
  const annotations = pinAnnotation({ web: `a:1@${digest("1")}`, w: `b@${digest("2")}` });
  const of = (name: string, image: string, more = annotations) =>
    pinnedImage(Pod.fromPartial({ metadata: { annotations: more } }), { name, image });
  expect(of("web", "a:1")).toBe(`docker.io/library/a:1@${digest("1")}`);
  expect(of("w", "b")).toBe(`docker.io/library/b:latest@${digest("2")}`);
  expect(of("other", "a:1")).toBe("a:1");
  expect(of("web", `a@${digest("3")}`)).toBe(`a@${digest("3")}`);
  expect(of("web", "a:1", { "tallship.dev/image-digests": "web=sha256:odd" })).toBe("a:1");
});
