import type { Image } from "../../proto/gen/tallship/v1/image.js";
import { bytesText } from "../bytes-text.js";
import { type Column, orNone } from "./column.js";

/** What an image is and how much of it there is. */
export const imageColumns: readonly Column<Image>[] = [
  { name: "DIGEST", cell: ({ spec }) => orNone(shortDigest(spec?.digest)) },
  { name: "SIZE", cell: ({ spec }) => bytesText(spec?.sizeBytes ?? 0) },
  { name: "IMAGE ID", isWide: true, cell: ({ spec }) => orNone(shortDigest(spec?.configDigest)) },
  { name: "LAYERS", isWide: true, cell: ({ spec }) => String(spec?.layers.length ?? 0) },
  { name: "PLATFORM", isWide: true, cell: ({ spec }) => platformText(spec?.platform) },
];

/** As much of a digest as tells images apart, in Docker's form. */
export function shortDigest(digest = ""): string {
  return digest.slice("sha256:".length, "sha256:".length + 12);
}

function platformText(platform: NonNullable<Image["spec"]>["platform"]): string {
  const { os = "", architecture = "", variant = "" } = platform ?? {};
  return orNone([os, architecture, variant].filter((part) => part !== "").join("/"));
}
