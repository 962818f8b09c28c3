/**
 * Annotation of a pod (template): how good a node is by how full of cpu and memory it would be with the pod, as `PERCENT=SCORE` points such as `0=0,60=10,100=4`:
 * percent from 0 to 100 and growing, scores from 0 to 10, straight lines between them. Kubernetes says this once for a whole scheduler, as RequestedToCapacityRatio.
 */
export const UTILIZATION_SHAPE = "tallship.dev/utilization-shape";

/** One point of the line. */
export interface UtilizationPoint {
  readonly percent: number;
  readonly score: number;
}

/** Kubernetes bounds neither; nobody draws a line of more. */
const MOST_POINTS = 16;

/** Reads the annotation's value; a sentence on what is wrong when it has another form. */
export function parseUtilizationShape(
  text: string,
):
  | { readonly is: "shape"; readonly points: readonly UtilizationPoint[] }
  | { readonly is: "wrong"; readonly why: string } {
  const points: UtilizationPoint[] = [];
  for (const entry of text.split(",").map((part) => part.trim())) {
    const [, percent = "", score = ""] = /^(\d{1,3})=(\d{1,2})$/.exec(entry) ?? [];
    if (percent === "" || Number(percent) > 100 || Number(score) > 10)
      return {
        is: "wrong",
        why: `want PERCENT=SCORE of at most 100 and 10, such as 0=0,100=10, found ${JSON.stringify(entry)}`,
      };
    if (Number(percent) <= (points.at(-1)?.percent ?? -1))
      return {
        is: "wrong",
        why: `want percents that grow, found ${JSON.stringify(entry)} after ${points.at(-1)?.percent}`,
      };
    points.push({ percent: Number(percent), score: Number(score) });
  }
  if (points.length > MOST_POINTS) return { is: "wrong", why: `want at most ${MOST_POINTS} points` };
  return { is: "shape", points };
}

/** The line that annotations ask for; undefined when none, or of another form. */
export function utilizationShapeOf(
  annotations: Readonly<Record<string, string>> | undefined,
): readonly UtilizationPoint[] | undefined {
  const text = annotations?.[UTILIZATION_SHAPE];
  const read = text === undefined ? undefined : parseUtilizationShape(text);
  return read?.is === "shape" ? read.points : undefined;
}
