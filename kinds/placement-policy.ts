/** Annotation of a pod (template): how its pods are placed among the nodes that could run them, `spread` or `pack`. Absent: as the cluster does. */
export const PLACEMENT = "tallship.dev/placement";

/** What can be asked for. */
export const PLACEMENTS = ["spread", "pack"] as const;

/** Few full nodes, or an even load. */
export type Placement = (typeof PLACEMENTS)[number];

/** What the annotations ask for; undefined when nothing. */
export function placementOf(annotations: Readonly<Record<string, string>> | undefined): Placement | undefined {
  const asked = annotations?.[PLACEMENT];
  return asked === undefined ? undefined : PLACEMENTS.find((each) => each === asked);
}
