import { parseRunAs, RUN_AS, userNumbers } from "../../kinds/run-as.js";
import { usageError } from "../verb.js";

/** What `--user` comes to in Kubernetes' own fields, which are numbers; undefined where a name stands in it. */
export function runAsNumbers(text: string | undefined): ReturnType<typeof userNumbers> {
  return text === undefined ? undefined : userNumbers(asNumbers(text));
}

/** The annotation by which the node looks a name up in the image; none for numbers. Throws a usage error for what is no user. */
export function runAsAnnotation(container: string, text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined || runAsNumbers(text) !== undefined) return {};
  const value = `${container}=${text}`;
  if (parseRunAs(value).is === "wrong") throw usageError(`--user is USER[:GROUP], names or numbers, not "${text}"`);
  return { [RUN_AS]: value };
}

/** Root is user 0 also in images that do not say so. */
function asNumbers(text: string): string {
  return text
    .split(":")
    .map((word) => (word === "root" ? "0" : word))
    .join(":");
}
