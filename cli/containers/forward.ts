import { metaOf } from "../../kinds/object.js";
import { asTallshipError, TallshipError } from "../../lib/errors.js";
import { hostPort } from "../../lib/host-port.js";
import type { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { ExecInput, ForwardStart } from "../../proto/gen/tallship/v1/streams.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { getObject, keyIn } from "../objects.js";
import { onePodOf, type PodTarget } from "../pods/resolve.js";
import type { LocalConnection, Shell } from "../shell.js";
import { readTarget } from "../targets.js";
import { usageError } from "../verb.js";

/** What `port-forward` was asked. */
export interface ForwardFlags extends ClusterFlags {
  readonly address: readonly string[];
}

/** One port here and where it leads. */
export interface PortPair {
  /** 0: any that is free. */
  readonly local: number;
  /** Number, or for services and pods the name of a port. */
  readonly remote: string;
}

/** A pair, and the port of the pod that its connections reach now: users are told, as kubectl tells them. */
interface FoundPair extends PortPair {
  readonly port: number;
}

/**
 * Opens ports here that lead into a pod, until the user interrupts. Every connection finds its pod anew: one that was restarted, or that a deployment or service has
 * in its place, is reached as soon as it runs.
 */
export function runForward(
  { flags, operands }: { readonly flags: ForwardFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const ports = operands.slice(operands[1] !== undefined && isPort(operands[1]) ? 1 : 2);
  const target = readTarget(operands.slice(0, operands.length - ports.length), "Pod");
  if (ports.length === 0) throw usageError("name the ports: port-forward POD [LOCAL:]PORT…");
  const pairs = ports.map(readPair);
  const addresses = flags.address.length === 0 ? ["localhost"] : flags.address.flatMap((text) => text.split(","));
  return withCluster(shell, flags, async (cluster) => {
    const forwarding = new Forwarding(cluster, shell, target);
    // Tells at once what is not there.
    const found: FoundPair[] = [];
    for (const pair of pairs) found.push({ ...pair, port: (await forwarding.find(pair.remote)).port });
    await forwarding.open(
      found,
      addresses.flatMap((text) => (text === "localhost" ? ["127.0.0.1", "::1"] : [text])),
    );
    return EXIT.interrupted;
  });
}

function isPort(text: string): boolean {
  return /^(\d*:)?[\w-]+$/.test(text) && /\d|:/.test(text) && !text.includes("/");
}

/** `LOCAL:PORT`, `:PORT` for any that is free, or `PORT` for the same here. */
export function readPair(text: string): PortPair {
  const [first = "", second, ...more] = text.split(":");
  const remote = second ?? first;
  const local = second === undefined ? (/^\d+$/.test(first) ? Number(first) : 0) : Number(first || 0);
  if (more.length > 0 || remote === "" || !Number.isInteger(local) || local > 65_535)
    throw usageError(`a port is [LOCAL:]PORT, not "${text}"`);
  return { local, remote };
}

class Forwarding {
  private readonly cluster: Cluster;
  private readonly shell: Shell;
  private readonly target: PodTarget;

  constructor(cluster: Cluster, shell: Shell, target: PodTarget) {
    this.cluster = cluster;
    this.shell = shell;
    this.target = target;
  }

  /** The pod that is meant now, and the number of its port. */
  async find(remote: string): Promise<{ readonly pod: Pod; readonly port: number }> {
    const { cluster, shell, target } = this;
    const pod = await onePodOf(cluster, target, shell.signal);
    if (target.kind !== "Service") return { pod, port: numberOf(pod, remote) };
    const service = await getObject(cluster, keyIn("Service", cluster.namespace, target.name), shell.signal);
    const asked = (service.spec?.ports ?? []).filter(({ port, name }) => String(port) === remote || name === remote);
    const found = asked.find(({ protocol }) => (protocol || "TCP") === "TCP");
    if (asked.length === 0) throw new TallshipError("not_found", `service "${target.name}" has no port ${remote}`);
    if (found === undefined)
      throw new TallshipError(
        "not_supported",
        `port ${remote} of service "${target.name}" speaks ${asked[0]?.protocol}: only TCP is forwarded`,
      );
    const inside = found.targetPort?.value;
    // A name that no container has is told, instead of leading somewhere else than the service does.
    return { pod, port: inside?.$case === "strVal" ? numberOf(pod, inside.value) : inside?.value || found.port };
  }

  /** Listens on every address that the machine has of those asked for; one at least must work. */
  async open(pairs: readonly FoundPair[], addresses: readonly string[]): Promise<void> {
    const { shell } = this;
    const closers: (() => void)[] = [];
    try {
      for (const pair of pairs) closers.push(...(await this.listen(pair, addresses)));
      await new Promise<void>((resolve) => {
        if (shell.signal.aborted) resolve();
        shell.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      for (const close of closers) close();
    }
  }

  private async listen(pair: FoundPair, addresses: readonly string[]): Promise<readonly (() => void)[]> {
    const { shell } = this;
    const { local, remote, port: inside } = pair;
    const closers: (() => void)[] = [];
    let port = local;
    let failure: TallshipError | undefined;
    for (const address of addresses) {
      try {
        const listener = await shell.listen({ address, port }, (connection) => void this.serve(connection, remote));
        port = listener.port;
        closers.push(listener.close);
        await shell.stdout.write(`Forwarding from ${hostPort(address, port)} -> ${inside}\n`);
      } catch (error) {
        failure = asTallshipError(error);
      }
    }
    if (closers.length === 0) throw failure ?? new TallshipError("invalid_argument", "no address to listen on");
    return closers;
  }

  private async serve(connection: LocalConnection, remote: string): Promise<void> {
    const { cluster, shell } = this;
    const over = new AbortController();
    connection.onClosed(() => over.abort());
    await shell.stdout.write(`Handling connection for ${connection.port}\n`);
    try {
      const { pod, port } = await this.find(remote);
      const { namespace, name } = metaOf(pod);
      const start = ForwardStart.fromPartial({ namespace, pod: name, port });
      for await (const { part } of cluster.streams.forward(inputsOf(start, connection), { signal: over.signal }))
        if (part?.$case === "stdout") await connection.write(part.value);
      connection.end();
    } catch (error) {
      if (!over.signal.aborted && !shell.signal.aborted)
        await shell.stderr.write(`error: forward to ${remote}: ${asTallshipError(error).message}\n`);
      connection.destroy();
    }
  }
}

function numberOf(pod: Pod, remote: string): number {
  if (/^\d+$/.test(remote)) return Number(remote);
  const named = (pod.spec?.containers ?? []).flatMap(({ ports }) => ports).find(({ name }) => name === remote);
  if (named === undefined)
    throw new TallshipError("not_found", `pod "${metaOf(pod).name}" has no port named ${remote}`);
  return named.containerPort;
}

async function* inputsOf(start: ForwardStart, connection: LocalConnection): AsyncGenerator<ExecInput> {
  yield ExecInput.fromPartial({ part: { $case: "forward", value: start } });
  for await (const bytes of connection.chunks())
    yield ExecInput.fromPartial({ part: { $case: "stdin", value: Buffer.from(bytes) } });
  yield ExecInput.fromPartial({ part: { $case: "stdinClosed", value: true } });
}
