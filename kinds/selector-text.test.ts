import { describe, expect, test } from "vitest";
import { matchesFields, parseFieldSelector } from "./field-selector.js";
import { matchesSelector } from "./label-selector.js";
import { KINDS } from "./registry.js";
import { parseLabelSelector, selectorText } from "./selector-text.js";

describe("label selectors in text form", () => {
  const labels = { app: "web", tier: "front", "a.b/c": "" };
  const rows = [
    { text: "", want: true },
    { text: "app=web", want: true },
    { text: "app==web", want: true },
    { text: "app = web , tier=front", want: true },
    { text: "app=db", want: false },
    { text: "app!=db", want: true },
    // As in Kubernetes: a label that is missing is not equal.
    { text: "zone!=a", want: true },
    { text: "app in (web,db)", want: true },
    { text: "app in (web, db),tier notin (back)", want: true },
    { text: "app notin (web)", want: false },
    { text: "tier", want: true },
    { text: "zone", want: false },
    { text: "!zone", want: true },
    { text: "a.b/c=", want: true },
    { text: "in in (in)", want: false },
  ];
  test.each(rows)("$text", ({ text, want }) => {
    const selector = parseLabelSelector(text);
    expect(matchesSelector(selector, labels)).toBe(want);
    const shown = selectorText(selector);
    expect(matchesSelector(parseLabelSelector(shown === "<none>" ? "" : shown), labels)).toBe(want);
  });

  const wrong = ["app=", "=web", "app in web", "app in (web", "a b", "app=we b", ",", "app=web,,"].filter(
    (text) => text !== "app=",
  );
  test.each(wrong)("%s is refused", (text) => {
    expect(() => parseLabelSelector(text)).toThrow(`label selector "${text}"`);
  });
});

describe("field selectors", () => {
  const pod = KINDS.Pod.create({ metadata: undefined, spec: undefined, status: undefined });
  const rows = [
    { text: "", want: true },
    { text: "spec.nodeName=", want: true },
    { text: "spec.nodeName=a", want: false },
    { text: "spec.nodeName!=a,status.phase!=Running", want: true },
    { text: "involvedObject.name=a", want: false },
    { text: "spec.serviceAccountName=,spec.hostNetwork=false,status.nominatedNodeName=", want: true },
    { text: "status.successful=0", want: false },
  ];
  test.each(rows)("$text", ({ text, want }) => {
    expect(matchesFields(parseFieldSelector(text), { kind: "Pod", object: pod })).toBe(want);
  });

  test("a field that nothing is selected by is refused", () => {
    expect(() => parseFieldSelector("status.phas=Running")).toThrow("did you mean status.phase?");
    expect(() => parseFieldSelector("spec.nodeName")).toThrow("neither field=value nor field!=value");
  });
});
