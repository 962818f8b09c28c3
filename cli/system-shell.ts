// Edge: the process, its terminal and the user's files.
import { setMaxListeners } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { asTallshipError, TallshipError } from "../lib/errors.js";
import { systemClock } from "../lib/system-clock.js";
import { EXIT } from "./exit-codes.js";
import type { Archives, Files, Found, Input, Output, Shell, Terminal } from "./shell.js";

/** The shell that tsctl was started in. Interrupts abort its signal; a second one ends the process. */
export function systemShell(): Shell {
  const interrupted = new AbortController();
  // Every call under way listens to it.
  setMaxListeners(0, interrupted.signal);
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => {
      interrupted.abort();
    });
  }
  const reader: Reader = { isGone: false, gone: () => endSilently(interrupted, reader) };
  return {
    env: process.env,
    stdout: output(process.stdout, reader),
    stderr: output(process.stderr, reader),
    stdin,
    terminal,
    files,
    archives,
    editor: {
      open: async (text, path) => (await import("./system-editor.js")).openEditor(text, path),
      discard: async (path) => (await import("./system-editor.js")).discardFile(path),
    },
    clock: systemClock,
    signal: interrupted.signal,
    listen: async (at, serve) => (await import("./system-sockets.js")).listenOn(at, serve),
    dialer: async (context) => (await import("./dial.js")).dialerOf(context),
  };
}

/** Who reads what the program writes. Once it has gone nobody wants to hear of anything. */
interface Reader {
  isGone: boolean;
  gone(): void;
}

/** Time for calls under way to be cancelled in order, so that the server is not left with half of them. */
const CANCEL_MS = 500;

/** Ends the program as SIGPIPE ends others, whatever it is at and without a word, but with its calls cancelled. */
function endSilently(interrupted: AbortController, reader: Reader): void {
  if (reader.isGone) return;
  reader.isGone = true;
  process.on("exit", () => {
    process.exitCode = EXIT.pipeClosed;
  });
  setTimeout(() => process.exit(EXIT.pipeClosed), CANCEL_MS).unref();
  interrupted.abort();
}

function output(stream: NodeJS.WriteStream, reader: Reader): Output {
  let failure: TallshipError | undefined;
  stream.on("error", (cause: NodeJS.ErrnoException) => {
    const isClosed = cause.code === "EPIPE";
    failure = isClosed
      ? new TallshipError("cancelled", "the reader has gone", { cause })
      : new TallshipError("disk_failed", `write: ${cause.message}`, { cause });
    if (isClosed) reader.gone();
  });
  return {
    isTerminal: stream.isTTY === true,
    write: (chunk) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) reject(failure);
        else if (reader.isGone) resolve();
        else stream.write(chunk, (error) => (error ? setImmediate(() => reject(failure ?? error)) : resolve()));
      }),
  };
}

const stdin: Input = {
  get isTerminal() {
    return process.stdin.isTTY === true;
  },
  readAll: async (maxBytes) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of process.stdin) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new TallshipError("too_large", `read standard input: more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  },
  chunks: async function* (signal) {
    const stop = (): void => {
      process.stdin.destroy();
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      if (!signal.aborted) for await (const chunk of process.stdin) yield chunk;
    } catch (error) {
      // Destroyed by stop(): the end of the input.
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  },
  setRaw: (isRaw) => {
    if (process.stdin.isTTY === true) process.stdin.setRawMode(isRaw);
  },
};

/** Large pieces for large files: fewer turns of the event loop. */
const READ_BYTES = 262_144;

const terminal: Terminal = {
  size: () => {
    const { columns, rows } = process.stdout.isTTY === true ? process.stdout : process.stderr;
    return columns === undefined || rows === undefined ? undefined : { width: columns, height: rows };
  },
  onResize: (call) => {
    const changed = (): void => {
      const size = terminal.size();
      if (size !== undefined) call(size);
    };
    process.stdout.on("resize", changed);
    return () => process.stdout.off("resize", changed);
  },
};

const files: Files = {
  find: async (path): Promise<Found> => {
    try {
      const found = await stat(path);
      return found.isDirectory()
        ? { is: "folder" }
        : { is: "file", bytes: found.size, isExecutable: (found.mode & 0o100) !== 0 };
    } catch (error) {
      if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
        return { is: "nothing" };
      throw asTallshipError(error, "disk_failed");
    }
  },
  read: async (path) => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      throw asTallshipError(error, "disk_failed");
    }
  },
  readBytes: async (path) => {
    try {
      return await readFile(path);
    } catch (error) {
      throw asTallshipError(error, "disk_failed");
    }
  },
  chunks: async function* (path) {
    try {
      yield* createReadStream(path, { highWaterMark: READ_BYTES });
    } catch (error) {
      throw asTallshipError(error, "disk_failed");
    }
  },
  writeChunks: async (path, chunks) => {
    const unfinished = `${path}.${process.pid}.part`;
    try {
      await pipeline(chunks, createWriteStream(unfinished, { mode: 0o600 }));
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw asTallshipError(error, "disk_failed");
    }
  },
  realPath: async (path) => {
    try {
      return await realpath(path);
    } catch (error) {
      throw asTallshipError(error, "disk_failed");
    }
  },
  list: async (folder) => {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
  },
  write: async (path, text) => {
    const { writeFileAtomic } = await import("../lib/atomic-file.js");
    await writeFileAtomic(path, text, 0o600);
  },
};

const archives: Archives = {
  pack: async function* (path, how) {
    const { packHere } = await import("./system-archives.js");
    yield* packHere(path, how);
  },
  unpack: async (path, archive, how) => {
    const { unpackHere } = await import("./system-archives.js");
    await unpackHere(path, archive, how);
  },
};
