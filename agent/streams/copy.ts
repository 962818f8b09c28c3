import { LeftOut } from "../../lib/rooted/left-out.js";
import type { MappedIds } from "../../lib/rooted/mapped-ids.js";
import { packTree } from "../../lib/rooted/pack-tree.js";
import { TreeUnpacker, type UnpackOrder } from "../../lib/rooted/unpack-tree.js";
import { entryPath } from "../../lib/tar/entry.js";
import type { CopyStart, ExecInput, ExecOutput } from "../../proto/gen/tallship/v1/streams.js";
import { type Copier, unpackAs } from "./copy-as.js";

/** What is copied from or to. */
export interface CopyRoot {
  readonly path: string;
  /** The ids that its own are on the host, and who writes for them; absent: its ids are the host's. */
  readonly users?: { readonly ids: MappedIds; readonly copier: Copier } | undefined;
}

/**
 * Carries an archive into or out of a container, and says on standard error what was left out. The root is that of the container's first process, with everything it has mounted, or what it left behind; every path is
 * walked handle by handle in it, so that no link of the container leads anywhere else, now or meanwhile.
 */
export async function* copy(
  { path: root, users }: CopyRoot,
  start: CopyStart,
  input: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): AsyncGenerator<ExecOutput> {
  const path = entryPath(start.path);
  if (start.isInto) {
    const owners = start.keepsOwners ? "archive" : "root";
    const order = { root, path, isAsIs: start.isAsIs, owners } as const;
    yield* asNote(
      users === undefined
        ? await unpack(order, input)
        : await unpackAs({ ...order, ids: users.ids }, input, users.copier),
    );
    return;
  }
  const left = new LeftOut();
  const order = { root, path, followsLink: start.followsLink, ids: users?.ids, onLeftOut: left.note };
  for (const value of packTree(order)) {
    if (signal.aborted) return;
    yield { part: { $case: "stdout", value } };
  }
  yield* asNote(left.text);
}

/** What the operator is told beside the archive. */
export function* asNote(text: string): Generator<ExecOutput> {
  if (text !== "") yield { part: { $case: "stderr", value: Buffer.from(text) } };
}

/** Returns what was left out, in words. */
async function unpack(order: UnpackOrder, input: AsyncIterable<ExecInput>): Promise<string> {
  const left = new LeftOut();
  const unpacker = new TreeUnpacker(order, left.note);
  try {
    for await (const { part } of input) {
      if (part?.$case === "stdin") unpacker.push(part.value);
      if (part?.$case === "stdinClosed") break;
    }
    unpacker.finish();
  } finally {
    unpacker.close();
  }
  return left.text;
}
