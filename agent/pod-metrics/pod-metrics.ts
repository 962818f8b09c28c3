import { hostPort } from "../../lib/host-port.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type Sample, samplesIn } from "./prometheus-text.js";

/** Reads what pods export. */
export interface PodMetrics {
  /** The samples of the named metrics that a pod exports now; none when it exports nothing, or does not answer in time. Never rejects. */
  read(podUid: string, names: ReadonlySet<string>): Promise<readonly Sample[]>;
}

/** Edge: reads a page over HTTP. Resolves with undefined when there is none in time (limits.podMetricsMs, limits.podMetricsBytes). */
export type FetchPage = (url: URL) => Promise<string | undefined>;

/** A pod as it is now, and its address. */
export interface PodPlace {
  readonly pod: Pod | undefined;
  readonly address: string;
}

/** Reads pages at the place that the pod's prometheus.io annotations name. */
export function podMetrics(find: (uid: string) => PodPlace | undefined, fetchPage: FetchPage): PodMetrics {
  return {
    read: async (uid, names) => {
      const place = find(uid);
      const url = place === undefined ? undefined : metricsUrl(place);
      const page = url === undefined ? undefined : await fetchPage(url);
      return page === undefined ? [] : samplesIn(page, names);
    },
  };
}

/**
 * Where a pod exports its metrics, as Prometheus' usual configuration reads the annotations prometheus.io/scheme, /port (else the first port of a container) and
 * /path; undefined when it has no address or port, or prometheus.io/scrape says false.
 */
export function metricsUrl({ pod, address }: PodPlace): URL | undefined {
  const annotations = pod?.metadata?.annotations ?? {};
  const ports = (pod?.spec?.containers ?? []).flatMap((container) => container.ports);
  const port = Number(annotations["prometheus.io/port"] ?? ports[0]?.containerPort ?? 0);
  const isUsable = address !== "" && Number.isInteger(port) && port > 0 && port < 65_536;
  if (!isUsable || annotations["prometheus.io/scrape"] === "false") return undefined;
  const scheme = annotations["prometheus.io/scheme"] === "https" ? "https" : "http";
  const path = annotations["prometheus.io/path"] ?? "/metrics";
  // The address stands apart from the path: nothing in an annotation can lead to another host.
  const url = new URL(`${scheme}://${hostPort(address, port)}/`);
  const question = path.indexOf("?");
  url.pathname = question === -1 ? path : path.slice(0, question);
  url.search = question === -1 ? "" : path.slice(question);
  return url;
}
