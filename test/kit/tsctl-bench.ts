import { main } from "../../cli/main.js";
import type { Shell, Size } from "../../cli/shell.js";
import { authorizeCalls } from "../../controlplane/api/authorize.js";
import { explainService } from "../../controlplane/explain/explain-service.js";
import { formatContextFile } from "../../lib/context-file.js";
import { memoryNetwork } from "../../lib/transport/memory.js";
import { bind, type Handlers } from "../../lib/transport/service.js";
import { ClusterDefinition, InfoResponse, ObjectsDefinition } from "../../proto/gen/tallship/v1/api.js";
import { ExplainDefinition } from "../../proto/gen/tallship/v1/explain.js";
import { ImagesDefinition } from "../../proto/gen/tallship/v1/images.js";
import type { NetworkResponse } from "../../proto/gen/tallship/v1/nethealth.js";
import type { UsageResponse } from "../../proto/gen/tallship/v1/session.js";
import { StreamsDefinition } from "../../proto/gen/tallship/v1/streams.js";
import { ADMIN, type ApiBench, openApiBench } from "./api-bench.js";
import { CONFIG_PATH, FakeShell, type RunOptions, refuse } from "./fake-shell.js";
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
