import { describe, expect, test } from "vitest";
import { decodeDocument } from "../decode.js";
import { applyDefaults } from "../defaults/defaults.js";
import type { Typed } from "../object.js";
import { parseYaml } from "../yaml/parse.js";
import { validate } from "./validate.js";

function read(text: string): Typed {
  const source = { name: "x", text };
  const [object] = parseYaml(source).documents.flatMap((root) => decodeDocument(root, source).objects);
  if (object === undefined) throw new Error(`no object in ${text}`);
  return applyDefaults(object.typed);
}

function errors(text: string, previous?: string): readonly string[] {
  const found = validate(read(text), previous === undefined ? undefined : read(previous));
  return found.map(({ path, message }) => `${path}: ${message}`);
}

const META = "metadata: {name: x, namespace: d}";
const ingress = (spec: string): string => `{apiVersion: networking.k8s.io/v1, kind: Ingress, ${META}, spec: {${spec}}}`;
const onPath = (path: string, backend = "service: {name: s, port: {number: 80}}"): string =>
  ingress(`rules: [{http: {paths: [{${path}, backend: {${backend}}}]}}]`);
const policy = (spec: string): string =>
  `{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, ${META}, spec: {${spec}}}`;
const priority = (name: string, fields: string): string =>
  `{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: ${name}}, ${fields}}`;
const quota = (spec: string): string => `{apiVersion: v1, kind: ResourceQuota, ${META}, spec: {${spec}}}`;
const limits = (element: string): string => `{apiVersion: v1, kind: LimitRange, ${META}, spec: {limits: [${element}]}}`;
const rights = (kind: string, fields: string, meta = META): string =>
  `{apiVersion: rbac.authorization.k8s.io/v1, kind: ${kind}, ${meta}, ${fields}}`;

describe("ingresses, policies, quotas, ranges and rights that make no sense are refused", () => {
  const rows: readonly { readonly name: string; readonly text: string; readonly want: readonly string[] }[] = [
    { name: "an ingress without anything", text: ingress(""), want: ["spec: want defaultBackend or rules"] },
    { name: "a whole ingress", text: onPath("path: /a, pathType: Prefix"), want: [] },
    {
      name: "a name like RBAC's",
      text: rights("Role", "rules: []", "metadata: {name: 'system:a:B', namespace: d}"),
      want: [],
    },
    {
      name: "a path that is not absolute",
      text: onPath("path: a, pathType: Exact"),
      want: ['spec.rules[0].http.paths[0].path: want an absolute path, found "a"'],
    },
    { name: "a path left to the implementation", text: onPath("pathType: ImplementationSpecific"), want: [] },
    {
      name: "a path that climbs",
      text: onPath("path: /a/../b, pathType: Prefix"),
      want: ['spec.rules[0].http.paths[0].path: want a path without "//", "/./", "/../" and "%2f", found "/a/../b"'],
    },
    {
      name: "a port by name and by number",
      text: onPath("path: /, pathType: Prefix", "service: {name: s, port: {number: 80, name: http}}"),
      want: ["spec.rules[0].http.paths[0].backend.service.port: want only one of name, number"],
    },
    {
      name: "an address as host",
      text: ingress("rules: [{host: 10.0.0.1}]"),
      want: ["spec.rules[0].host: want a DNS name, which may begin with '*.', and no address, found \"10.0.0.1\""],
    },
    {
      name: "an end of ports before their begin",
      text: policy("ingress: [{ports: [{port: 90, endPort: 80}]}]"),
      want: ["spec.ingress[0].ports[0].endPort: want at least port (90), found 80"],
    },
    {
      name: "a peer by labels and by address",
      text: policy("ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]"),
      want: ["spec.ingress[0].from[0]: ipBlock stands alone, without selectors"],
    },
    {
      name: "an exception outside its range",
      text: policy("egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 11.0.0.0/16, 10.0.0.0/8]}}]}]"),
      want: [
        "spec.egress[0].to[0].ipBlock.except[1]: want a range within 10.0.0.0/8, found 11.0.0.0/16",
        "spec.egress[0].to[0].ipBlock.except[2]: want a range within 10.0.0.0/8, found 10.0.0.0/8",
      ],
    },
    {
      name: "a priority beyond the users'",
      text: priority("high", "value: 1000000001"),
      want: ["value: want at most 1000000000, found 1000000001"],
    },
    {
      name: "a name of the cluster's",
      text: priority("system-mine", "value: 1"),
      want: ['metadata.name: names that begin with "system-" are the cluster\'s own'],
    },
    { name: "the cluster's own", text: priority("system-node-critical", "value: 2000001000"), want: [] },
    {
      name: "a quota of much",
      text: quota(
        "hard: {pods: '4', limits.memory: 1Gi, count/deployments.apps: '2', requests.nvidia.com/gpu: 4, fast.storageclass.storage.k8s.io/requests.storage: 1Gi}",
      ),
      want: [],
    },
    {
      name: "a quota of nothing known",
      text: quota("hard: {podz: '4'}"),
      want: ["spec.hard.podz: no resource of this name is counted"],
    },
    {
      name: "scopes that exclude each other",
      text: quota("hard: {pods: '4'}, scopes: [BestEffort, NotBestEffort]"),
      want: ["spec.scopes: no pod is both BestEffort and NotBestEffort"],
    },
    {
      name: "a scope that has no services",
      text: quota("hard: {services: '4'}, scopes: [Terminating]"),
      want: ["spec.hard.services: not counted within Terminating"],
    },
    {
      name: "a least above the most",
      text: limits("{type: Container, min: {cpu: 2}, max: {cpu: 1}}"),
      want: [
        "spec.limits[0].min.cpu: want at most max (1), found 2",
        "spec.limits[0].min.cpu: want at most default (1), found 2",
        "spec.limits[0].min.cpu: want at most defaultRequest (1), found 2",
      ],
    },
    {
      name: "defaults for whole pods",
      text: limits("{type: Pod, default: {cpu: 1}}"),
      want: ["spec.limits[0].default: only for type Container, not Pod"],
    },
    {
      name: "paths in a namespace",
      text: rights("Role", "rules: [{verbs: [get], nonResourceURLs: [/healthz]}]"),
      want: ["rules[0].nonResourceURLs: only in a ClusterRole"],
    },
    {
      name: "a service account without namespace",
      text: rights(
        "RoleBinding",
        "subjects: [{kind: ServiceAccount, name: a}, {kind: User, name: u}], roleRef: {kind: Role, name: r}",
      ),
      want: ["subjects[0].namespace: a service account has a namespace"],
    },
  ];

  test.each(rows)("$name", ({ text, want }) => {
    expect(errors(text)).toEqual(want);
  });

  const changes = [
    {
      name: "a priority's value",
      before: priority("p", "value: 1"),
      after: priority("p", "value: 2"),
      want: ["value: this field cannot be changed"],
    },
    {
      name: "a priority's value of zero",
      before: priority("p", "value: 0"),
      after: priority("p", "value: 2"),
      want: ["value: this field cannot be changed"],
    },
    {
      name: "the role of a binding",
      before: rights("RoleBinding", "roleRef: {kind: Role, name: a}"),
      after: rights("RoleBinding", "roleRef: {kind: Role, name: b}"),
      want: ["roleRef: this field cannot be changed"],
    },
    {
      name: "the scopes of a quota",
      before: quota("hard: {pods: '4'}"),
      after: quota("hard: {pods: '4'}, scopes: [BestEffort]"),
      want: ["spec.scopes: this field cannot be changed"],
    },
  ];

  test.each(changes)("a change of $name", ({ before, after, want }) => {
    expect(errors(after, before)).toEqual(want);
  });
});

test("limits of containers follow from the most, requests from limits", () => {
  const typed = read(
    limits("{type: Container, max: {cpu: 2, memory: 1Gi}, min: {ephemeral-storage: 1Gi}, default: {cpu: 1}}"),
  );
  expect(typed.kind === "LimitRange" && typed.object.spec?.limits[0]).toMatchObject({
    default: { cpu: "1", memory: "1Gi" },
    defaultRequest: { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" },
  });
});
