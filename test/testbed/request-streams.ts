import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { bundleProgram } from "../kit/bundle.js";
import type { RequestCount, RequestPlan } from "../kit/request-stream.js";
import { onHost } from "./host.js";
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

/** Lets clients ask a service at its own address, a new connection per request and each at this rate. */
export async function startStreams(
  testbed: Testbed,
  places: readonly ClientPlace[],
  { service, perSecond, timeoutMs }: { readonly service: string } & Pick<RequestPlan, "perSecond" | "timeoutMs">,
): Promise<Streams> {
  const found = JSON.parse(await testbed.tsctl(["get", "service", service, "-o", "json"]));
  const program = await bundleProgram(
    `import { streamRequests } from "./test/kit/request-stream.js"; streamRequests(JSON.parse(process.argv[2]));`,
  );
  const plan: RequestPlan = { host: found.spec.clusterIP, port: 80, perSecond, timeoutMs };
  const words = [process.execPath, program.path, JSON.stringify(plan)];
  const ended = places.map(({ host, podUid }) => {
    const enter = podUid === undefined ? [] : ["nsenter", `--net=/run/tallship/netns/${podUid}`];
    return startClient(onHost(testbed.layout, testbed.host(host), [...enter, ...words]));
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
