import type { Found, Shell, Size } from "../../cli/shell.js";
import { TallshipError } from "../../lib/errors.js";

/** Where the user's context file stands. */
export const CONFIG_PATH = "/home/ann/.tallship/config";

/** What a test may set for one command. */
export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  /** What the user makes of a text each time that the editor opens. */
  readonly edits?: readonly ((text: string) => string)[];
}

/** What is not there to be used. */
export function refuse(what: string): never {
  throw new TallshipError("not_supported", `this bench has no ${what}`);
}

/** A terminal, its input and files, all in memory. */
export class FakeShell {
  out = "";
  err = "";
  readonly interrupted = new AbortController();
  readonly onResize = new Set<(size: Size) => void>();
  private readonly files: Map<string, string>;
  private readonly options: RunOptions;
  private readonly edits: ((text: string) => string)[];

  constructor(files: Map<string, string>, options: RunOptions) {
    this.files = files;
    this.options = options;
    this.edits = [...(options.edits ?? [])];
  }

  shell(): Omit<Shell, "clock" | "dialer"> {
    const { files } = this;
    const { isTerminal = false, input = "", env = {} } = this.options;
    const text = (chunk: string | Uint8Array): string =>
      typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
    return {
      env: { HOME: "/home/ann", ...env },
      signal: this.interrupted.signal,
      stdout: {
        isTerminal,
        write: async (chunk) => {
          this.out += text(chunk);
        },
      },
      stderr: {
        isTerminal,
        write: async (chunk) => {
          this.err += text(chunk);
        },
      },
      stdin: {
        isTerminal,
        readAll: async () => input,
        chunks: async function* (signal) {
          if (input !== "") yield Buffer.from(input);
          // Nobody types; a terminal's input ends only with its reader.
          if (isTerminal && !signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
        },
        setRaw: () => undefined,
      },
      terminal: {
        size: () => ({ width: 80, height: 24 }),
        onResize: (call) => {
          this.onResize.add(call);
          return () => this.onResize.delete(call);
        },
      },
      archives: { pack: () => refuse("archives"), unpack: () => refuse("archives") },
      listen: () => refuse("sockets"),
      editor: {
        open: async (text, path = "/tmp/edit.yaml") => {
          const next = this.edits.shift() ?? refuse("editor");
          this.files.set(path, next(text));
          return { path, text: this.files.get(path) ?? "" };
        },
        discard: async (path) => void this.files.delete(path),
      },
      files: {
        find: async (path) => this.find(path),
        read: async (path) => this.files.get(path) ?? refuse(`file ${path}`),
        chunks: async function* (path) {
          yield Buffer.from(files.get(path) ?? refuse(`file ${path}`));
        },
        writeChunks: async (path, chunks) => {
          const held: Uint8Array[] = [];
          for await (const chunk of chunks) held.push(chunk);
          files.set(path, Buffer.concat(held).toString("utf8"));
        },
        readBytes: async (path) => Buffer.from(this.files.get(path) ?? refuse(`file ${path}`)),
        realPath: async (path) => path,
        list: async (folder) => this.list(folder),
        write: async (path, text) => void this.files.set(path, text),
      },
    };
  }

  private find(path: string): Found {
    const text = this.files.get(path);
    if (text !== undefined) return { is: "file", bytes: Buffer.byteLength(text) };
    const isFolder = [...this.files.keys()].some((name) => name.startsWith(`${path.replace(/\/$/, "")}/`));
    return { is: isFolder ? "folder" : "nothing" };
  }

  private list(folder: string): readonly string[] {
    const names = [...this.files.keys()].flatMap((path) => {
      if (!path.startsWith(`${folder}/`)) return [];
      const [first = "", ...deeper] = path.slice(folder.length + 1).split("/");
      return [deeper.length > 0 ? `${first}/` : first];
    });
    return [...new Set(names)].sort();
  }
}
