/**
 * Annotation of a pod (template): limits that the kernel sets each process of a container, in its own units, as `CONTAINER.NAME=SOFT[:HARD]`, such as
 * `web.nofile=1024:4096,db.memlock=-1`. -1 is none. Kubernetes has no field for them.
 */
export const ULIMITS = "tallship.dev/ulimits";

/** One limit; Infinity for none. */
export interface Ulimit {
  readonly name: UlimitName;
  readonly soft: number;
  readonly hard: number;
}

/** The limits that there are, as docker names them. */
export const ULIMIT_NAMES = [
  ...(["core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc"] as const),
  ...(["rss", "rtprio", "rttime", "sigpending", "stack"] as const),
] as const;

/** Name of a limit. */
export type UlimitName = (typeof ULIMIT_NAMES)[number];

/** A name's limit; undefined when there is none of that name. */
export function ulimitName(word: string): UlimitName | undefined {
  return ULIMIT_NAMES.find((name) => name === word);
}

/** Reads the annotation's value; a sentence on what is wrong when it has another form. */
export function parseUlimits(
  text: string,
):
  | { readonly is: "limits"; readonly byContainer: ReadonlyMap<string, readonly Ulimit[]> }
  | { readonly is: "wrong"; readonly why: string } {
  const byContainer = new Map<string, readonly Ulimit[]>();
  for (const entry of text.split(",").map((part) => part.trim())) {
    if (entry === "") continue;
    const [, container, word = "", soft = "", hard = soft] =
      /^([a-z0-9][-a-z0-9]*)\.([a-z]+)=(-1|\d{1,15})(?::(-1|\d{1,15}))?$/.exec(entry) ?? [];
    const name = ulimitName(word);
    if (container === undefined || name === undefined)
      return {
        is: "wrong",
        why: `want container.limit=soft or container.limit=soft:hard, found ${JSON.stringify(entry)}`,
      };
    const limit = { name, soft: amount(soft), hard: amount(hard) };
    if (limit.soft > limit.hard)
      return { is: "wrong", why: `want a soft limit that is at most the hard one, found ${JSON.stringify(entry)}` };
    const before = byContainer.get(container) ?? [];
    byContainer.set(container, [...before.filter((one) => one.name !== name), limit]);
  }
  return { is: "limits", byContainer };
}

function amount(word: string): number {
  return word === "-1" ? Number.POSITIVE_INFINITY : Number(word);
}

/** The limits of a container; none where the annotation has another form. */
export function ulimitsOf(annotations: Readonly<Record<string, string>>, container: string): readonly Ulimit[] {
  const read = parseUlimits(annotations[ULIMITS] ?? "");
  return read.is === "limits" ? (read.byContainer.get(container) ?? []) : [];
}
