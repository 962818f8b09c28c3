/** What a backend's requests came to since the proxy's process started. */
export interface BackendTraffic {
  readonly backend: string;
  /** Answers by class: "2xx" and so on; "other" is what clients gave up on. */
  readonly answers: Readonly<Record<string, number>>;
  /** Requests that run. */
  readonly running: number;
  /** Requests that were tried on another endpoint. */
  readonly retried: number;
}

const CLASSES = {
  "1xx": "hrsp_1xx",
  "2xx": "hrsp_2xx",
  "3xx": "hrsp_3xx",
  "4xx": "hrsp_4xx",
  "5xx": "hrsp_5xx",
  other: "hrsp_other",
};

/** Reads HAProxy's table of statistics; rows that are no backends are left out. */
export function readTraffic(csv: string): readonly BackendTraffic[] {
  const [head = "", ...rows] = csv.replace(/^# /, "").trim().split("\n");
  const columns = new Map(head.split(",").map((name, at) => [name, at] as const));
  return rows.flatMap((row) => {
    const cells = row.split(",");
    const cell = (name: string): string => cells[columns.get(name) ?? -1] ?? "";
    if (cell("svname") !== "BACKEND") return [];
    const answers = Object.fromEntries(Object.entries(CLASSES).map(([name, column]) => [name, Number(cell(column))]));
    return [{ backend: cell("pxname"), answers, running: Number(cell("scur")), retried: Number(cell("wredis")) }];
  });
}
