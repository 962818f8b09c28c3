import { main } from "../../cli/main.js";
import type { Found, Shell, Size } from "../../cli/shell.js";
import { authorizeCalls } from "../../controlplane/api/authorize.js";
import { explainService } from "../../controlplane/explain/explain-service.js";
import { formatContextFile } from "../../lib/context-file.js";
import { TallshipError } from "../../lib/errors.js";
import { memoryNetwork } from "../../lib/transport/memory.js";
import { bind, type Handlers } from "../../lib/transport/service.js";
import { ClusterDefinition, InfoResponse, ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import { ExplainDefinition } from "../../proto/gen/tallship/v1/explain.js";
import { ImagesDefinition } from "../../proto/gen/tallship/v1/images.js";
import type { NetworkResponse } from "../../proto/gen/tallship/v1/nethealth.js";
import type { UsageResponse } from "../../proto/gen/tallship/v1/session.js";
import { StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";
import { ADMIN, type ApiBench, openApiBench } from "./api-bench.js";
import { NO_STREAMS } from "./no-streams.js";

/** What one command line printed and returned. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A command that runs on: what it has printed so far, and how it is interrupted. */
export interface Running {
  readonly out: () => string;
  readonly err: () => string;
  /** Presses Ctrl-C. */
  interrupt(): void;
  /** Changes the size of the terminal. */
  resize(size: Size): void;
  readonly ended: Promise<Ran>;
}

/** What a test may set for one command. */
export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
  /** What the user makes of a text each time that the editor opens. */
  readonly edits?: readonly ((text: string) => string)[];
}

/** tsctl over the real API on a store in memory; files, terminal and streams are the test's. */
export interface TsctlBench {
  readonly api: ApiBench;
  /** Text of files by path. */
  readonly files: Map<string, string>;
  run(line: readonly string[], options?: RunOptions): Promise<Ran>;
  start(line: readonly string[], options?: RunOptions): Running;
  close(): void;
}

/** What the bench's servers do beside objects. */
export interface BenchServices {
  readonly streams?: Partial<Handlers<typeof StreamsDefinition>>;
  readonly images?: Partial<Handlers<typeof ImagesDefinition>>;
  readonly cluster?: Partial<Handlers<typeof ClusterDefinition>>;
  /** What nodes have measured. */
  readonly usage?: () => Promise<UsageResponse>;
  /** What nodes have measured of their network. */
  readonly network?: () => Promise<NetworkResponse>;
  /** Addresses in the context file; only "a:7443" answers. */
  readonly servers?: readonly string[];
}

const CONFIG_PATH = "/home/ann/.tallship/config";
const PEM = "-----BEGIN TEST-----\nAA==\n-----END TEST-----\n";

/** Opens a bench. */
export async function openTsctlBench(services: BenchServices = {}): Promise<TsctlBench> {
  const api = await openApiBench();
  const network = memoryNetwork(api.clock);
  const server = network.serve("a:7443", [
    bind(ObjectsDefinition, api.api, authorizeCalls("Objects")),
    bind(
      ExplainDefinition,
      explainService({
        ...api.deps,
        usage: services.usage ?? (async () => refuse("usage")),
        network: services.network ?? (async () => refuse("network")),
      }),
      authorizeCalls("Explain"),
    ),
    bind(StreamsDefinition, { ...NO_STREAMS, ...services.streams }, authorizeCalls("Streams")),
    bind(ImagesDefinition, { ...NO_IMAGES, ...services.images }, authorizeCalls("Images")),
    bind(ClusterDefinition, { ...NO_CLUSTER, ...services.cluster }, authorizeCalls("Cluster")),
  ]);
  const { servers = ["a:7443"] } = services;
  const context = { name: "home", servers, ca: PEM, cert: PEM, key: PEM };
  const files = new Map([[CONFIG_PATH, formatContextFile({ current: "home", contexts: [context] })]]);
  const start = (line: readonly string[], options: RunOptions = {}): Running => {
    const world = new FakeShell(files, options);
    const shell: Shell = { ...world.shell(), clock: api.clock, dialer: async () => network.dialer(ADMIN) };
    const ended = main(line, shell).then((code) => ({ code, out: world.out, err: world.err }));
    return {
      out: () => world.out,
      err: () => world.err,
      interrupt: () => world.interrupted.abort(),
      resize: (size) => {
        for (const call of world.onResize) call(size);
      },
      ended,
    };
  };
  return {
    api,
    files,
    start,
    run: (line, options) => start(line, options).ended,
    close: () => {
      server.close();
      api.close();
    },
  };
}

function refuse(what: string): never {
  throw new TallshipError("not_supported", `this bench has no ${what}`);
}

const NO_IMAGES: Handlers<typeof ImagesDefinition> = {
  load: () => refuse("images"),
  save: () => refuse("images"),
  list: () => refuse("images"),
  inspect: () => refuse("images"),
  remove: () => refuse("images"),
  prune: () => refuse("images"),
  build: () => refuse("images"),
  pull: () => refuse("images"),
  push: () => refuse("images"),
  search: () => refuse("images"),
  commit: () => refuse("images"),
};
const NO_CLUSTER: Handlers<typeof ClusterDefinition> = {
  info: async () => InfoResponse.fromPartial({ version: "0.1.0", commit: "abc", leaderAddress: "a:7443" }),
  createToken: () => refuse("tokens"),
  listTokens: () => refuse("tokens"),
  revokeToken: () => refuse("tokens"),
};

/** A terminal, its input and files, all in memory. */
class FakeShell {
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
