import { LeftOut } from "../../lib/rooted/left-out.js";
import { shownPath } from "../../lib/tar/entry.js";
import { ChangesChunk, type ExecOutput, type FileChange } from "../../proto/gen/tallship/v1/streams.js";
import { asNote } from "./copy.js";
import type { OwnRoot } from "./own-root.js";

/** Changes that are told at once. */
const PER_CHUNK = 200;

/** Which files of its image a container has added, changed or deleted. */
export async function* changesOf(root: OwnRoot, signal: AbortSignal): AsyncGenerator<ChangesChunk> {
  let changes: FileChange[] = [];
  for await (const { path, is } of root.changes(signal)) {
    changes.push({ is, path: `/${shownPath(path)}` });
    if (changes.length < PER_CHUNK) continue;
    yield ChangesChunk.fromPartial({ changes });
    changes = [];
  }
  yield ChangesChunk.fromPartial({ changes });
}

/** All files of a container as an archive, and on standard error what was left out. */
export async function* wholeRoot(root: OwnRoot, signal: AbortSignal): AsyncGenerator<ExecOutput> {
  const left = new LeftOut();
  for await (const value of root.archive(signal, { onLeftOut: left.note })) yield { part: { $case: "stdout", value } };
  yield* asNote(left.text);
}
