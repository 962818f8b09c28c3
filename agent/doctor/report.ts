import type { Finding } from "./checks.js";

const MARKS: Readonly<Record<Finding["state"], string>> = { ok: "ok  ", warn: "warn", fail: "FAIL" };

/** The findings for people: one line each, and what to do below those that need it. */
export function reportText(findings: readonly Finding[]): string {
  const width = Math.max(0, ...findings.map(({ name }) => name.length));
  const lines = findings.map(({ name, state, evidence, remedy }) => {
    const line = `${MARKS[state]}  ${name.padEnd(width)}  ${evidence}`;
    return remedy === "" ? line : `${line}\n${" ".repeat(width + 8)}${remedy}`;
  });
  const count = (state: Finding["state"]): number => findings.filter((finding) => finding.state === state).length;
  const verdict =
    count("fail") === 0 ? "this host can run Tallship" : `${count("fail")} of ${findings.length} checks fail`;
  return `${lines.join("\n")}\n\n${verdict}${count("warn") === 0 ? "" : `, ${count("warn")} warnings`}`;
}
