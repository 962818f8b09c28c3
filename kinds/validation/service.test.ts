import { expect, test } from "vitest";
import { decodeDocument } from "../decode.js";
import { applyDefaults } from "../defaults/defaults.js";
import type { Typed } from "../object.js";
import { parseYaml } from "../yaml/parse.js";
import { validate } from "./validate.js";

function service(spec: string): Typed {
  const text = `{apiVersion: v1, kind: Service, metadata: {name: s, namespace: d}, spec: {${spec.includes("ports:") ? "" : "ports: [{port: 80}], "}${spec}}}`;
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error("no object");
  return applyDefaults(object.typed);
}

const CLASS = "loadBalancerClass: example.org/other";
const BALANCED = "may only be used when `type` is 'LoadBalancer'";
const OUTSIDE = "may only be set for externally-accessible services";
const CHECKED = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
const NAMED = "type: ExternalName, externalName: example.org";
// What there is, what was there before, and what Kubernetes' API server says of it, in its words where it has some.
const rows: readonly { readonly spec: string; readonly before?: string; readonly want: readonly string[] }[] = [
  { spec: "type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.0/24]", want: [] },
  { spec: 'type: LoadBalancer, loadBalancerSourceRanges: [" 192.0.2.0/24 "]', want: [] },
  {
    spec: "type: NodePort, loadBalancerSourceRanges: [192.0.2.0/24]",
    want: [`spec.loadBalancerSourceRanges: ${BALANCED}`],
  },
  {
    spec: "type: LoadBalancer, loadBalancerSourceRanges: [192.0.2.300/24]",
    want: ['spec.loadBalancerSourceRanges[0]: want a range such as 10.0.0.0/24, found "192.0.2.300/24"'],
  },
  { spec: CLASS, want: [`spec.loadBalancerClass: ${BALANCED}`] },
  {
    spec: `type: LoadBalancer, ${CLASS}`,
    before: "type: LoadBalancer",
    want: ["spec.loadBalancerClass: may not change once set"],
  },
  { spec: `type: LoadBalancer, ${CLASS}`, before: "type: ClusterIP", want: [] },
  { spec: "type: LoadBalancer, allocateLoadBalancerNodePorts: false", want: [] },
  ...["ClusterIP", "NodePort"].map((type) => ({
    spec: `type: ${type}, allocateLoadBalancerNodePorts: true`,
    want: [`spec.allocateLoadBalancerNodePorts: ${BALANCED}`],
  })),
  // Kubernetes asks nothing of it: it is deprecated, and others have read more into it than an address.
  { spec: "loadBalancerIP: 192.0.2.1", want: [] },
  { spec: "type: LoadBalancer, loadBalancerIP: my-address", want: [] },
  { spec: "externalTrafficPolicy: Local", want: [`spec.externalTrafficPolicy: ${OUTSIDE}, found "Local"`] },
  { spec: "externalTrafficPolicy: Cluster", want: [`spec.externalTrafficPolicy: ${OUTSIDE}, found "Cluster"`] },
  {
    spec: 'clusterIP: "None", externalTrafficPolicy: Local',
    want: [`spec.externalTrafficPolicy: ${OUTSIDE}, found "Local"`],
  },
  {
    spec: `${NAMED}, externalIPs: [192.0.2.1], externalTrafficPolicy: Local`,
    want: [`spec.externalTrafficPolicy: ${OUTSIDE}, found "Local"`],
  },
  { spec: "externalIPs: [192.0.2.1], externalTrafficPolicy: Local", want: [] },
  { spec: 'clusterIP: "None", externalIPs: [192.0.2.1], externalTrafficPolicy: Local', want: [] },
  { spec: "type: NodePort, externalTrafficPolicy: Local", want: [] },
  { spec: "type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30001", want: [] },
  {
    spec: "type: LoadBalancer, healthCheckNodePort: 30001",
    want: [`spec.healthCheckNodePort: ${CHECKED}, found 30001`],
  },
  {
    spec: "type: NodePort, externalTrafficPolicy: Local, healthCheckNodePort: 30001",
    want: [`spec.healthCheckNodePort: ${CHECKED}, found 30001`],
  },
  {
    spec: "type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30001",
    before: "type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 30002",
    want: ["spec.healthCheckNodePort: field is immutable, it was 30002"],
  },
  {
    spec: "ports: [{port: 80, nodePort: 30000}]",
    want: ["spec.ports[0].nodePort: may not be used when `type` is 'ClusterIP'"],
  },
  { spec: `${NAMED}, ports: [{port: 80, nodePort: 80}]`, want: [] },
  { spec: "ports: [{port: 80, targetPort: 0}]", want: [] },
  {
    spec: "ports: [{port: 80, appProtocol: a/b/c}]",
    want: [expect.stringMatching(/^spec\.ports\[0\]\.appProtocol: want at most 63/)],
  },
  { spec: "ports: [{port: 80, appProtocol: kubernetes.io/h2c}]", want: [] },
  // Kubernetes drops what is kept for nobody.
  { spec: "sessionAffinityConfig: {clientIP: {timeoutSeconds: 10}}", want: [] },
  { spec: "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 10}}", want: [] },
  {
    spec: "sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 86401}}",
    want: ["spec.sessionAffinityConfig.clientIP.timeoutSeconds: want 1 to 86400, found 86401"],
  },
  { spec: NAMED, want: [] },
  { spec: `${NAMED}., internalTrafficPolicy: Local, sessionAffinity: ClientIP`, want: [] },
  {
    spec: "type: ExternalName, externalName: a..b",
    want: [`spec.externalName: want a DNS name, which may end with '.', found "a..b"`],
  },
  { spec: `${NAMED}, clusterIP: "None"`, want: ["spec.clusterIPs: may not be set for ExternalName services"] },
  {
    spec: `${NAMED}, ipFamilies: [IPv4], ipFamilyPolicy: SingleStack`,
    want: ["ipFamilies", "ipFamilyPolicy"].map((name) => `spec.${name}: may not be set for ExternalName services`),
  },
  ...["NodePort", "LoadBalancer"].map((type) => ({
    spec: `type: ${type}, clusterIP: "None"`,
    want: [`spec.clusterIPs[0]: may not be set to 'None' for ${type} services`],
  })),
  { spec: 'clusterIP: "None", ports: []', want: [] },
  { spec: "ports: []", want: ["spec.ports: a service with an address has a port"] },
  {
    spec: 'clusterIP: "None", clusterIPs: ["None", 10.96.0.9], ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4]',
    want: ["spec.clusterIPs: 'None' must be the first and only value"],
  },
  {
    spec: "clusterIP: 10.96.0.8, clusterIPs: [10.96.0.9]",
    want: ['spec.clusterIPs: first value must match `clusterIP`, found "10.96.0.9" and "10.96.0.8"'],
  },
  {
    spec: 'clusterIPs: [10.96.0.9, "fd00::9"], clusterIP: 10.96.0.9',
    want: [
      "spec.ipFamilyPolicy: must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified, found \"SingleStack\"",
      "spec.ipFamilyPolicy: must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified, found \"SingleStack\"",
    ],
  },
  {
    spec: "clusterIP: 10.96.0.2",
    before: "clusterIP: 10.96.0.1",
    want: ["spec.clusterIPs[0]: may not change once set, it was 10.96.0.1"],
  },
  { spec: "clusterIP: 10.96.0.2", before: NAMED, want: [] },
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
