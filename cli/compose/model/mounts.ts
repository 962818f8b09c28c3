import type { Turned } from "./reader.js";

/** One mount of a service, as the short and the long form both say it. */
export interface Mount {
  readonly type: "volume" | "bind" | "tmpfs" | "image" | "npipe" | "cluster";
  /** Name of the volume, or path on the host; empty: a volume without a name. */
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
  readonly subPath: string;
  /** A volume that gets what the image has in its place while it is empty, as all do that do not say nocopy. */
  readonly isFilled: boolean;
  /** Bytes of a tmpfs. */
  readonly sizeBytes: number | undefined;
  /** What it asks for beside that, by name: named to the user. */
  readonly others: readonly string[];
}

/** Reads `[SOURCE:]TARGET[:OPTIONS]`; a sentence when it has another form. */
export function parseMount(text: string): Turned<Mount> {
  const parts = text.split(":");
  if (parts.length > 3 || parts.some((part) => part === ""))
    return { wrong: `want [SOURCE:]TARGET[:ro|rw], found ${JSON.stringify(text)}` };
  const [source = "", target = "", options = ""] = parts.length === 1 ? ["", text] : parts;
  if (!target.startsWith("/"))
    return { wrong: `want an absolute path in the container, found ${JSON.stringify(target)}` };
  const words = options === "" ? [] : options.split(",");
  const others = words.filter(
    (word) => !["ro", "rw", "nocopy", "z", "Z", "cached", "delegated", "consistent"].includes(word),
  );
  const type = /^[./~]/.test(source) ? "bind" : "volume";
  const isReadOnly = words.includes("ro");
  const isFilled = type === "volume" && !words.includes("nocopy");
  return { value: { type, source, target, isReadOnly, isFilled, subPath: "", sizeBytes: undefined, others } };
}
