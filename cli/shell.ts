import type { Clock } from "../lib/clock.js";
import type { ClusterContext } from "../lib/context-file.js";
import type { OnLeftOut } from "../lib/rooted/left-out.js";
import type { Choose } from "../lib/rooted/pack-tree.js";
import type { Dialer } from "../lib/transport/service.js";

/** Edge: where text goes. */
export interface Output {
  readonly isTerminal: boolean;
  /** Resolves when more may be written. Rejects with cancelled once the reader has gone; then the program ends. */
  write(chunk: string | Uint8Array): Promise<void>;
}

/** Edge: standard input. */
export interface Input {
  readonly isTerminal: boolean;
  /** All of it as text; throws too_large beyond the bound. */
  readAll(maxBytes: number): Promise<string>;
  /** As it comes, until it ends or the signal aborts. */
  chunks(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Passes keys through unread while on: no echo, no lines, no signals. */
  setRaw(isRaw: boolean): void;
}

/** Size of the terminal, in characters. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Edge: the user's terminal. */
export interface Terminal {
  size(): Size | undefined;
  /** Calls on each change of size; returns what ends that. */
  onResize(call: (size: Size) => void): () => void;
}

/** A file found by name. */
export type Found =
  | { readonly is: "file"; readonly bytes: number; readonly isExecutable?: boolean }
  | { readonly is: "folder" }
  | { readonly is: "nothing" };

/** Edge: the user's files. */
export interface Files {
  find(path: string): Promise<Found>;
  /** Text of a file, UTF-8. */
  read(path: string): Promise<string>;
  /** Bytes of a file. */
  readBytes(path: string): Promise<Uint8Array>;
  /** A file's bytes as they are read. */
  chunks(path: string): AsyncIterable<Uint8Array>;
  /** Replaces the file whole once all has come; nothing is left of it when the source fails. */
  writeChunks(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** The path without symbolic links, absolute. */
  realPath(path: string): Promise<string>;
  /** Names in a folder, folders with a slash at their end, sorted. */
  list(folder: string): Promise<readonly string[]>;
  /** Replaces the file whole, readable by its owner only. */
  write(path: string, text: string): Promise<void>;
}

/** Edge: the user's files as archives. */
export interface Archives {
  /** The tar archive of a file, or of a folder with all that it holds or what of it is chosen. */
  pack(
    path: string,
    how: { readonly followsLink: boolean; readonly choose?: Choose | undefined; readonly onLeftOut?: OnLeftOut },
  ): AsyncIterable<Uint8Array>;
  /** Writes a tar archive that may be hostile: to a path as `docker cp` places it, and nowhere else. */
  unpack(
    path: string,
    archive: AsyncIterable<Uint8Array>,
    how: { readonly keepsOwners: boolean; readonly onLeftOut: OnLeftOut },
  ): Promise<void>;
}

/** A connection that somebody has made to a port here. */
export interface LocalConnection {
  /** The port that was listened on. */
  readonly port: number;
  /** What comes, until the other side has sent all. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more is sent. */
  end(): void;
  /** Breaks it off. */
  destroy(): void;
  /** Calls when both sides have ended, or it broke. */
  onClosed(call: () => void): void;
}

/** Edge: the user's editor. */
export interface Editor {
  /** Lets the user edit a text, in a new file or in the one given. Resolves when the editor has ended well. */
  open(text: string, path: string | undefined): Promise<{ readonly path: string; readonly text: string }>;
  /** Removes a file that open() made. */
  discard(path: string): Promise<void>;
}

/** Everything outside that a verb may touch. Real: system-shell.ts; tests give their own. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  readonly terminal: Terminal;
  readonly files: Files;
  readonly archives: Archives;
  readonly editor: Editor;
  readonly clock: Clock;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
  /** Listens on a TCP port, 0 for any that is free, until it is closed. */
  listen(
    at: { readonly address: string; readonly port: number },
    serve: (connection: LocalConnection) => void,
  ): Promise<{ readonly port: number; close(): void }>;
  /** A dialer that shows the context's certificate. */
  dialer(context: ClusterContext): Promise<Dialer>;
}
