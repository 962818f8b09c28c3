/**
 * Annotation of a pod (template): the users that containers run as, by the names that their images have for them, such as `db=postgres,web=node:staff`.
 * Kubernetes' runAsUser takes numbers alone; where it is given too, it counts.
 */
export const RUN_AS = "tallship.dev/run-as";

/** Reads the annotation's value; a sentence on what is wrong when it has another form. */
export function parseRunAs(
  text: string,
):
  | { readonly is: "users"; readonly byContainer: ReadonlyMap<string, string> }
  | { readonly is: "wrong"; readonly why: string } {
  const byContainer = new Map<string, string>();
  for (const entry of text.split(",").map((part) => part.trim())) {
    if (entry === "") continue;
    const [, container, user] =
      /^([a-z0-9][-a-z0-9]*)=([A-Za-z0-9_][-A-Za-z0-9_.]*(?::[A-Za-z0-9_][-A-Za-z0-9_.]*)?)$/.exec(entry) ?? [];
    if (container === undefined || user === undefined)
      return { is: "wrong", why: `want container=user or container=user:group, found ${JSON.stringify(entry)}` };
    byContainer.set(container, user);
  }
  return { is: "users", byContainer };
}

/** `user[:group]` in numbers, as Kubernetes' fields have it; undefined where a name stands in it, which only an image knows. */
export function userNumbers(
  text: string,
): { readonly runAsUser: number; readonly runAsGroup: number | undefined } | undefined {
  const [, user, group] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(text) ?? [];
  if (user === undefined) return undefined;
  return { runAsUser: Number(user), runAsGroup: group === undefined ? undefined : Number(group) };
}

/** The user that a container is to run as by name; undefined where the image's counts. */
export function runAsOf(annotations: Readonly<Record<string, string>>, container: string): string | undefined {
  const read = parseRunAs(annotations[RUN_AS] ?? "");
  return read.is === "users" ? read.byContainer.get(container) : undefined;
}
