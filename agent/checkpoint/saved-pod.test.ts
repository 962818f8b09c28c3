import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRng } from "../../lib/rng.js";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { newRecord, withContainer } from "../pod-record.js";
import { decodeSavedPod, encodeSavedPod } from "./saved-pod.js";
import { nodeSeal } from "./seal.js";

const seal = nodeSeal("node key", seededRng(1));
const pod = Pod.fromPartial({
  metadata: { uid: "u1", name: "web", namespace: "shop", labels: { app: "web" } },
  spec: { containers: [{ name: "web", image: "hello:1" }], terminationGracePeriodSeconds: 0 },
});
const record = withContainer(newRecord({ uid: "u1", namespace: "shop", name: "web" }, 5), "web", {
  attempt: 2,
  startedAtMs: 7,
  last: { attempt: 1, startedAtMs: 3, exit: { is: "lost", finishedAtMs: 6 }, imageDigest: "sha256:d" },
});
const content = { revision: 4, values: { token: Buffer.from("s3cret"), bytes: Buffer.from([0, 255, 10]) } };
const configs = { configMaps: { app: content }, secrets: { key: content } };

test("what is saved reads back as it was", () => {
  const saved = { record, pod, configs };
  expect(decodeSavedPod(encodeSavedPod(saved, seal), seal)).toEqual(saved);
  const bare = { record, pod: undefined, configs: undefined };
  expect(decodeSavedPod(encodeSavedPod(bare, seal), seal)).toEqual(bare);
});

test("no value of a config or secret can be read in the file, in any form it might have", () => {
  const text = encodeSavedPod({ record, pod, configs }, seal);
  for (const form of ["s3cret", Buffer.from("s3cret").toString("base64"), Buffer.from("s3cret").toString("hex")])
    expect(text).not.toContain(form);
});

test("a secret opens only with the node's key, and only for the pod it was sealed for", () => {
  const text = encodeSavedPod({ record, pod, configs }, seal);
  expect(() => decodeSavedPod(text, nodeSeal("another key", seededRng(1)))).toThrow("does not fit");
  const sealed = seal.seal(Buffer.from("x"), "u1");
  expect(() => seal.open(sealed, "u2")).toThrow("does not fit");
});

test("a file that is cut short or changed anywhere is refused", () => {
  const text = encodeSavedPod({ record, pod, configs }, seal);
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.boolean(), (at, cuts) => {
      const changed = text[at] === "x" ? "y" : "x";
      const damaged = cuts ? text.slice(0, at) : `${text.slice(0, at)}${changed}${text.slice(at + 1)}`;
      expect(() => decodeSavedPod(damaged, seal)).toThrow();
    }),
  );
});
