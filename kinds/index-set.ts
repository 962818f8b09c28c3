/** The indexes in a text such as "1,3-5"; undefined when it is malformed, descending or names one that is not below `count`. */
export function parseIndexes(text: string, count: number): ReadonlySet<number> | undefined {
  const indexes = new Set<number>();
  if (text === "") return indexes;
  let last = -1;
  for (const part of text.split(",")) {
    const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    if (match === null || from <= last || to < from || to >= count) return undefined;
    for (let index = from; index <= to; index += 1) indexes.add(index);
    last = to;
  }
  return indexes;
}

/** The indexes in Kubernetes' short form: ascending, three or more in a row as a range, such as "1,2,5-7". */
export function indexesText(indexes: Iterable<number>): string {
  const parts: string[] = [];
  let run: number[] = [];
  const flush = (): void => {
    if (run.length > 2) parts.push(`${run[0]}-${run.at(-1)}`);
    else parts.push(...run.map(String));
  };
  for (const index of [...new Set(indexes)].sort((left, right) => left - right)) {
    if (run.length > 0 && run.at(-1) !== index - 1) {
      flush();
      run = [];
    }
    run.push(index);
  }
  flush();
  return parts.join(",");
}
