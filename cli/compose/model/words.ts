/** The words of a command line as a POSIX shell splits them, without expanding anything; undefined when a quote is not closed. */
export function splitWords(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let current: string | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const char = line[at] ?? "";
    if (/\s/.test(char)) {
      if (current !== undefined) words.push(current);
      current = undefined;
    } else if (char === "'" || char === '"') {
      const quoted = readQuote(line, at);
      if (quoted === undefined) return undefined;
      current = `${current ?? ""}${quoted.text}`;
      at = quoted.end;
    } else if (char === "\\" && at + 1 < line.length) {
      at += 1;
      current = `${current ?? ""}${line[at] === "\n" ? "" : line[at]}`;
    } else current = `${current ?? ""}${char}`;
  }
  if (current !== undefined) words.push(current);
  return words;
}

function readQuote(line: string, start: number): { readonly text: string; readonly end: number } | undefined {
  const quote = line[start];
  let text = "";
  for (let at = start + 1; at < line.length; at += 1) {
    const char = line[at] ?? "";
    if (char === quote) return { text, end: at };
    const next = line[at + 1] ?? "";
    if (char === "\\" && quote === '"' && '"\\$`\n'.includes(next) && next !== "") {
      at += 1;
      text += next === "\n" ? "" : next;
    } else text += char;
  }
  return undefined;
}
