// Edge: the user's files as archives.
import { resolve } from "node:path";
import { packTree } from "../lib/rooted/pack-tree.js";
import { TreeUnpacker } from "../lib/rooted/unpack-tree.js";
import { entryPath } from "../lib/tar/entry.js";
import type { Archives } from "./shell.js";

/** The archive of what a path names. */
export function packHere(
  path: string,
  { followsLink, choose = () => "keep", onLeftOut = () => undefined }: Parameters<Archives["pack"]>[1],
): Iterable<Uint8Array> {
  return packTree({ root: "/", path: absolute(path), followsLink, choose, onLeftOut });
}

/** Writes an archive where a path says. What a container sends may be hostile: nothing in it leads elsewhere. */
export async function unpackHere(
  path: string,
  archive: AsyncIterable<Uint8Array>,
  { keepsOwners, onLeftOut }: Parameters<Archives["unpack"]>[2],
): Promise<void> {
  const owners = keepsOwners ? "archive" : "own";
  const unpacker = new TreeUnpacker({ root: "/", path: absolute(path), isAsIs: false, owners }, onLeftOut);
  try {
    for await (const bytes of archive) unpacker.push(Buffer.from(bytes));
    unpacker.finish();
  } finally {
    unpacker.close();
  }
}

/** With the end of the path as it was written: a slash, or a dot after it, says what a copy means. */
function absolute(path: string): string {
  const end = /(?:\/\.?)$/.exec(path)?.[0] ?? (path === "." ? "/." : "");
  const whole = resolve(path);
  return entryPath(whole === "/" ? `/${end.slice(1)}` : whole + end);
}
