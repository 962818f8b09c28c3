import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { type AgentMachine, testPod } from "./agent-machine.js";

/** The spec of a pod of these tests. */
export type UserPodSpec = NonNullable<Parameters<typeof testPod>[1]>;

/** A shell's script that runs until it is asked to end. */
export const FOREVER = "trap 'exit 0' TERM; while :; do sleep 0.05; done";

/** A pod with users, and so a network, of its own. */
export function userPod(uid: string, spec: UserPodSpec, annotations: Readonly<Record<string, string>> = {}): Pod {
  const of = testPod(uid, { hostNetwork: false, hostUsers: false, restartPolicy: "Never", ...spec });
  return Pod.fromPartial({ ...of, metadata: { ...of.metadata, annotations } });
}

/** What a run wrote, without the times and names of streams. */
export function wordsOf(log: string): string {
  return log
    .split("\n")
    .map((line) => line.split(" ").slice(3).join(" "))
    .join("\n");
}

/** What a command in the pod's container writes. */
export async function runIn(
  machine: AgentMachine,
  uid: string,
  { command, container = "web", hasTerminal = false }: RunInOptions,
): Promise<string> {
  const key = { podUid: uid, container, attempt: 0 };
  const session = await machine.driver.exec(key, { command, hasTerminal, hasStdin: false, size: undefined });
  const parts: Buffer[] = [];
  for await (const part of session.output) if (part.is !== "exit") parts.push(Buffer.from(part.bytes));
  return Buffer.concat(parts).toString();
}

interface RunInOptions {
  readonly command: readonly string[];
  readonly container?: string;
  readonly hasTerminal?: boolean;
}
