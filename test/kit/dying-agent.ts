import type { Executors } from "../../agent/execute.js";

/** Counts actions, and at the one numbered `at` nothing that the agent waits for comes any more, as for a process that was killed. */
export function dyingAgent(at: number, when: "before" | "after") {
  let step = 0;
  let onDeath: (what: string) => void = () => undefined;
  const death = new Promise<string>((resolve) => {
    onDeath = resolve;
  });
  const never = new Promise<never>(() => undefined);
  const wrap = (table: Executors): Executors => {
    const row =
      <A, R>(name: string, act: (args: A, context: never) => Promise<R>) =>
      async (args: A, context: never): Promise<R> => {
        step += 1;
        const mine = step;
        if (mine > at || (mine === at && when === "before")) {
          onDeath(name);
          return never;
        }
        const result = await act(args, context);
        if (mine < at) return result;
        onDeath(name);
        return never;
      };
    // A mapped dispatch: each row keeps its own type.
    return Object.fromEntries(
      Object.entries(table).map(([name, act]) => [name, row(name, act as never)]),
    ) as unknown as Executors;
  };
  return { wrap, death, count: () => step };
}
