import { TallshipError } from "./errors.js";

/** How a user reaches one cluster. */
export interface ClusterContext {
  readonly name: string;
  /** API addresses, host:port; any of them will do. */
  readonly servers: readonly string[];
  /** The cluster's authority, PEM. */
  readonly ca: string;
  /** The user's certificate, PEM. */
  readonly cert: string;
  /** The certificate's key, PEM. */
  readonly key: string;
  /** Namespace of objects that name none; "default" when absent. */
  readonly namespace?: string | undefined;
}

/** What a context file holds: `init` writes one, tsctl reads it. */
export interface ContextFile {
  /** Name of the context that is used when none is named. */
  readonly current: string;
  readonly contexts: readonly ClusterContext[];
}

/** The file as YAML. Certificates and key stand in it, so that one file is all a user needs. */
export function formatContextFile(file: ContextFile): string {
  const contexts = file.contexts.map((context) =>
    [
      `  - name: ${JSON.stringify(context.name)}`,
      `    servers: [${context.servers.map((server) => JSON.stringify(server)).join(", ")}]`,
      ...(context.namespace === undefined ? [] : [`    namespace: ${JSON.stringify(context.namespace)}`]),
      `    ca: ${block(context.ca)}`,
      `    cert: ${block(context.cert)}`,
      `    key: ${block(context.key)}`,
    ].join("\n"),
  );
  return `current: ${JSON.stringify(file.current)}\ncontexts:${contexts.length === 0 ? " []" : ""}\n${contexts.join("\n")}\n`;
}

/** Checks what was read from a context file; `path` names it in errors. Throws invalid_argument. */
export function checkContextFile(value: unknown, path: string): ContextFile {
  const refuse = (what: string): never => {
    throw new TallshipError("invalid_argument", `read ${path}: ${what}`);
  };
  if (!isRecord(value)) return refuse("want current and contexts");
  const { current, contexts } = value;
  if (typeof current !== "string") return refuse("current is not the name of a context");
  if (!Array.isArray(contexts)) return refuse("contexts is not a list");
  const checked = contexts.map((entry: unknown, index) => checkContext(entry, `contexts[${index}]`, refuse));
  return { current, contexts: checked };
}

function checkContext(value: unknown, where: string, refuse: (what: string) => never): ClusterContext {
  if (!isRecord(value)) return refuse(`${where} is not a map`);
  const text = (field: string): string => {
    const found = value[field];
    return typeof found === "string" && found !== "" ? found : refuse(`${where}.${field} is missing`);
  };
  const { servers, namespace } = value;
  const isList = Array.isArray(servers) && servers.length > 0 && servers.every((server) => typeof server === "string");
  if (!isList) return refuse(`${where}.servers is not a list of host:port`);
  return {
    name: text("name"),
    servers,
    ca: text("ca"),
    cert: text("cert"),
    key: text("key"),
    namespace: typeof namespace === "string" && namespace !== "" ? namespace : undefined,
  };
}

function block(pem: string): string {
  const lines = pem.trim().split("\n");
  return `|\n${lines.map((line) => `      ${line.trim()}`).join("\n")}`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
