import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { bundleProgram } from "../kit/bundle.js";
import type { RequestCount, RequestPlan } from "../kit/request-stream.js";
import { onHost } from "./host.js";
import { onLink } from "./stranger.js";
import type { Testbed } from "./testbed.js";

/** Clients that ask a service all the time. */
export interface Streams {
  /** Stops asking, waits for what is open, and tells what came of it, in the order of the clients. */
  end(): Promise<readonly RequestCount[]>;
}

/** Where a client is: on a host, in the network of a pod there when its uid is named. */
export interface ClientPlace {
  readonly host: string;
  readonly podUid?: string;
}

/** How often a client asks, and how long an answer may take. */
export type Pace = Pick<RequestPlan, "perSecond" | "timeoutMs">;

/** Lets clients ask a service at its own address, a new connection per request and each at this rate. */
export async function startStreams(
  testbed: Testbed,
  places: readonly ClientPlace[],
  { service, ...pace }: { readonly service: string } & Pace,
): Promise<Streams> {
  const found = JSON.parse(await testbed.tsctl(["get", "service", service, "-o", "json"]));
  const clients = places.map(({ host, podUid }): Client => {
    const enter = podUid === undefined ? [] : ["nsenter", `--net=/run/tallship/netns/${podUid}`];
    return {
      address: found.spec.clusterIP,
      at: (words) => onHost(testbed.layout, testbed.host(host), [...enter, ...words]),
    };
  });
  return startClients(clients, pace);
}

/** Lets the stranger on the hosts' link ask each of these addresses, a new connection per request. */
export function startStrangers(testbed: Testbed, addresses: readonly string[], pace: Pace): Promise<Streams> {
  const at = (words: readonly string[]): readonly string[] => onLink(testbed.layout, words);
  return startClients(
    addresses.map((address) => ({ address, at })),
    pace,
  );
}

/** Whom a client asks, and the words that run a program where it is. */
interface Client {
  readonly address: string;
  readonly at: (words: readonly string[]) => readonly string[];
}

async function startClients(clients: readonly Client[], pace: Pace): Promise<Streams> {
  const program = await bundleProgram(
    `import { streamRequests } from "./test/kit/request-stream.js"; streamRequests(JSON.parse(process.argv[2]));`,
  );
  const ended = clients.map(({ address, at }) => {
    const plan: RequestPlan = { host: address, port: 80, ...pace };
    return startClient(at([process.execPath, program.path, JSON.stringify(plan)]));
  });
  return {
    end: async () => {
      for (const { stop } of ended) stop();
      try {
        return await Promise.all(ended.map(({ exit }) => exit));
      } finally {
        await rm(program.folder, { recursive: true, force: true });
      }
    },
  };
}

/** Does something while clients ask, and tells what came of what they asked. They end also when it fails: nobody else ends them. */
export async function askedDuring(asking: Streams, work: () => Promise<unknown>): Promise<readonly RequestCount[]> {
  return work().then(
    () => asking.end(),
    async (error: unknown) => {
      await asking.end();
      throw error;
    },
  );
}

function startClient([command = "", ...args]: readonly string[]): {
  readonly stop: () => void;
  readonly exit: Promise<RequestCount>;
} {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout.on("data", (piece) => {
    text += piece;
  });
  const exit = new Promise<RequestCount>((resolve, reject) => {
    child.once("error", reject);
    // A parser: the program's side of the pipe is typed.
    child.once("close", (code) =>
      code === 0 ? resolve(JSON.parse(text) as RequestCount) : reject(new Error(`client ended with ${code}`)),
    );
  });
  // Whoever waits is told; a client that ends early must not end the caller before its hosts are down.
  exit.catch(() => undefined);
  return { stop: () => void child.stdin.end(), exit };
}
