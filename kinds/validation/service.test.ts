import { expect, test } from "vitest";
import { decodeDocument } from "../decode.js";
import { applyDefaults } from "../defaults/defaults.js";
import type { Typed } from "../object.js";
import { parseYaml } from "../yaml/parse.js";
import { validate } from "./validate.js";

function service(spec: string): Typed {
  const text = `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: d}, spec: {ports: [{port: 80}], ${spec}}}`;
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error("no object");
  return applyDefaults(object.typed);
}

const CLASS = "loadBalancerClass: example.org/other";
// Fields of services that are reached from outside: what is there, what was there before, and what is wrong.
const rows: readonly { readonly spec: string; readonly before?: string; readonly want: readonly string[] }[] = [
  { spec: "type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.0/24]", want: [] },
  {
    spec: "type: NodePort, loadBalancerSourceRanges: [192.0.2.0/24]",
    want: ["spec.loadBalancerSourceRanges: only for type LoadBalancer"],
  },
  {
    spec: "type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.300/24]",
    want: ['spec.loadBalancerSourceRanges[0]: want a range such as 10.0.0.0/24, found "192.0.2.300/24"'],
  },
  {
    spec: `type: LoadBalancer, ${CLASS}`,
    before: "type: LoadBalancer",
    want: ["spec.loadBalancerClass: cannot be changed while the type is LoadBalancer"],
  },
  { spec: `type: LoadBalancer, ${CLASS}`, before: "type: ClusterIP", want: [] },
  { spec: "externalIPs: [192.0.2.1]", want: [] },
  {
    spec: 'externalIPs: [192.0.2.1, 127.0.0.1, 224.0.0.1, "fe80::1", "::ffff:169.254.1.1"]',
    want: [
      "spec.externalIPs[1]: may not be in the loopback (127.0.0.0/8) range, found 127.0.0.1",
      "spec.externalIPs[2]: may not be in the multicast (224.0.0.0/4) range, found 224.0.0.1",
      "spec.externalIPs[3]: may not be in the link-local (fe80::/10) range, found fe80::1",
      "spec.externalIPs[4]: may not be in the link-local (169.254.0.0/16) range, found ::ffff:169.254.1.1",
    ],
  },
  { spec: "trafficDistribution: PreferClose", want: [] },
];
for (const { spec, before, want } of rows) {
  test(`{${spec}}${before === undefined ? "" : ` after {${before}}`} is ${want.length === 0 ? "taken" : "refused"}`, () => {
    const found = validate(service(spec), before === undefined ? undefined : service(before));
    expect(found.map(({ path, message }) => `${path}: ${message}`)).toEqual(want);
  });
}
