import { metaOf } from "../../kinds/object.js";
import type { NetCheckResponse } from "../../proto/gen/tallship/v1/explain.js";
import type { NetworkResponse, PeerPath } from "../../proto/gen/tallship/v1/nethealth.js";
import type { View } from "../cache/view.js";

/** How nodes of the cluster reach each other, of what they have reported. What one end alone can tell is told of both. */
export function netCheckOf(view: View, { nodes }: NetworkResponse): NetCheckResponse {
  const names = view.list("Node").map(({ object }) => metaOf(object).name);
  const known = new Set(names);
  const reports = nodes.filter(({ name }) => known.has(name));
  const pathOf = (from: string, to: string): PeerPath | undefined =>
    reports.find(({ name }) => name === from)?.report?.paths.find(({ peer }) => peer === to);
  return {
    pairs: reports.flatMap(({ name, report }) =>
      (report?.paths ?? [])
        .filter(({ peer }) => known.has(peer))
        .map((path) => ({ from: name, path: explained(path, name, pathOf(path.peer, name)) })),
    ),
    nameServers: reports.flatMap(({ name, report }) =>
      (report?.nameServers ?? []).map((nameServer) => ({ node: name, nameServer })),
    ),
    silent: names.filter((name) => !reports.some((report) => report.name === name)).sort(),
  };
}

/** A node that gets no answer cannot know that its packets arrive; its peer, which hears them and gets no answer to its own, does. */
function explained(path: PeerPath, from: string, back: PeerPath | undefined): PeerPath {
  if (path.fault !== "PeerUnreachable" || back?.fault !== "OneWay") return path;
  const message = `packets of ${from} arrive at ${path.peer}, packets of ${path.peer} do not arrive at ${from}`;
  return { ...path, fault: "OneWay", message };
}
