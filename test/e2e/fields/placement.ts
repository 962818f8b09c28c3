import { type FieldRow, HOSTS, once, runs, STAYS } from "./field-row.js";

const HOSTNAME = "kubernetes.io/hostname";
const AFAR = "fields-afar";

/** Pods on the second host that others go to, or keep away from: one of this namespace and one of another. */
const anchor = (namespace: string, app: string) => ({
  ...{ apiVersion: "v1", kind: "Pod", metadata: { name: app, namespace, labels: { app, rev: "1" } } },
  spec: { nodeName: HOSTS.second, terminationGracePeriodSeconds: 1, containers: [runs(STAYS)] },
});
const afar = { apiVersion: "v1", kind: "Namespace", metadata: { name: AFAR } };
const beside = [afar, anchor("default", "anchor"), anchor(AFAR, "afar")];

const term = (app: string, more: object = {}) => ({
  ...{ labelSelector: { matchLabels: { app } }, topologyKey: HOSTNAME },
  ...more,
});
const near = (...terms: readonly object[]) => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const apart = (...terms: readonly object[]) => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms },
});
const on = (nodeName: string) => ({ spec: { nodeName } });
const onSecond = { nodeSelector: { [HOSTNAME]: HOSTS.second } };

/** Where pods go for others' sake. */
export const PLACEMENT_ROWS: readonly FieldRow[] = [
  {
    title: "a pod goes to the host of those that it wants to be near",
    proves: [
      ...["Affinity.podAffinity", "PodAffinity.requiredDuringSchedulingIgnoredDuringExecution"],
      ...["PodAffinityTerm.labelSelector", "PodAffinityTerm.topologyKey", "LabelSelector.matchLabels"],
    ],
    name: "near",
    beside,
    spec: once("true", { affinity: near(term("anchor")) }),
    looks: on(HOSTS.second),
  },
  {
    title: "a pod keeps off the host of those that it wants to be apart from",
    proves: [
      ...["Affinity.podAntiAffinity", "LabelSelector.matchExpressions"],
      ...["LabelSelectorRequirement.key", "LabelSelectorRequirement.operator", "LabelSelectorRequirement.values"],
    ],
    name: "apart",
    beside,
    spec: once("true", {
      affinity: apart({
        labelSelector: { matchExpressions: [{ key: "app", operator: "In", values: ["anchor"] }] },
        topologyKey: HOSTNAME,
      }),
    }),
    looks: on(HOSTS.first),
  },
  {
    title: "pods of another namespace count where the term names it",
    proves: ["PodAffinityTerm.namespaces"],
    name: "near-named",
    beside,
    spec: once("true", { affinity: near(term("afar", { namespaces: [AFAR] })) }),
    looks: on(HOSTS.second),
  },
  {
    title: "pods of namespaces count where the term selects these",
    proves: ["PodAffinityTerm.namespaceSelector"],
    name: "near-selected",
    beside,
    spec: once("true", {
      affinity: near(term("afar", { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": AFAR } } })),
    }),
    looks: on(HOSTS.second),
  },
  {
    title: "a pod keeps away from those of its own label alone, or from those of other labels alone, as the term says",
    proves: ["PodAffinityTerm.matchLabelKeys", "PodAffinityTerm.mismatchLabelKeys"],
    name: "other-revision",
    metadata: { labels: { rev: "2" } },
    beside,
    spec: once("true", {
      ...onSecond,
      affinity: {
        ...apart(term("anchor", { matchLabelKeys: ["rev"] })),
        ...near(term("anchor", { mismatchLabelKeys: ["rev"] })),
      },
    }),
    looks: on(HOSTS.second),
  },
];
