import { posix } from "node:path";

/** What stands at a path. `outside`: behind a symbolic link that leaves the folder of the kustomization. */
export type FileEntry =
  | { readonly is: "file"; readonly bytes: Uint8Array }
  | { readonly is: "folder" }
  | { readonly is: "nothing" }
  | { readonly is: "outside"; readonly realPath: string };

/** Everything that a kustomization names, by path. */
export type FileMap = ReadonlyMap<string, FileEntry>;

/** The path that a kustomization in a folder means by a reference. */
export function pathIn(dir: string, reference: string): string {
  return posix.join(dir, reference);
}

/** True when a reference leaves its folder. Files may not: a kustomization is a folder that can be handed on as it is. */
export function leavesFolder(reference: string): boolean {
  const path = posix.normalize(reference);
  return posix.isAbsolute(path) || path === ".." || path.startsWith("../");
}

/** The file name of a path. */
export function baseName(path: string): string {
  return posix.basename(path);
}

/** True for what kustomize would fetch from the net. */
export function isRemote(reference: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\/|^git@|^git::|\?(?:ref|timeout|submodules|version)=|^(?:github\.com|gitlab\.com|bitbucket\.org)[:/]|[^/]\/\/[^/]/.test(
    reference,
  );
}

/** True when a patch is given in place of the name of its file. */
export function isInline(text: string): boolean {
  return text.includes("\n") || /^\s*[{[]/.test(text) || /:\s/.test(text);
}
