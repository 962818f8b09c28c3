import { formatError } from "../../kinds/formats.js";
import {
  CLOSED,
  closingAnnotation,
  type IngressAnnotation,
  ingressAnnotation,
} from "../../kinds/ingress-annotations.js";
import { parseQuantity } from "../../lib/quantity.js";

/** How a backend is spoken to. */
export type BackendProtocol = "http" | "https" | "grpc" | "grpcs";

/** How the requests of an ingress are treated. Texts are the user's: whoever puts them into a configuration quotes them. */
export interface RouteOptions {
  readonly protocol: BackendProtocol;
  /** Whether plain HTTP is sent to HTTPS: where the host has a certificate, always, or never. */
  readonly redirectToTls: "certified" | "always" | "never";
  /** What the whole path becomes; empty: it stays. With `usesPatterns`, $1 to $9 are what the path's groups matched. */
  readonly rewrite: string;
  /** Paths are regular expressions from the path's beginning on. */
  readonly usesPatterns: boolean;
  /** Largest body, bytes; 0: any. */
  readonly bodyBytes: number;
  readonly connectSeconds: number;
  readonly readSeconds: number;
  readonly sendSeconds: number;
  /** CIDRs of the only clients that are let in; empty: all. */
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
  /** Name of the cookie that keeps a client at its endpoint; empty: none. */
  readonly cookie: string;
  /** Where requests for "/" are sent; empty: nowhere. */
  readonly appRoot: string;
  /** Where everything is sent, with status 301 or 302. */
  readonly redirect: { readonly to: string; readonly status: 301 | 302 } | undefined;
  /** Host that the backend is told; empty: the client's. */
  readonly upstreamHost: string;
  readonly cors: CrossOrigin | undefined;
  /** Nobody is let in: clients would have to prove who they are, which nothing here asks for. */
  readonly isClosed: boolean;
}

/** What browsers on other sites may do. */
export interface CrossOrigin {
  readonly origins: readonly string[];
  readonly methods: string;
  readonly headers: string;
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}

/** An annotation whose value means nothing. */
export interface OptionProblem {
  readonly annotation: string;
  readonly why: string;
}

/** What applies without annotations. */
export const PLAIN_OPTIONS: RouteOptions = {
  protocol: "http",
  redirectToTls: "certified",
  rewrite: "",
  usesPatterns: false,
  bodyBytes: 0,
  connectSeconds: 5,
  readSeconds: 60,
  sendSeconds: 60,
  allowed: [],
  denied: [],
  cookie: "",
  appRoot: "",
  redirect: undefined,
  upstreamHost: "",
  cors: undefined,
  isClosed: false,
};

const PROTOCOLS: Readonly<Record<string, BackendProtocol>> = {
  HTTP: "http",
  HTTPS: "https",
  GRPC: "grpc",
  GRPCS: "grpcs",
  AUTO_HTTP: "http",
};

/** Reads the options out of annotations. A value that means nothing counts as absent and is told. */
export function routeOptions(annotations: Readonly<Record<string, string>>): {
  readonly options: RouteOptions;
  readonly problems: readonly OptionProblem[];
} {
  const reader = new OptionReader(annotations);
  const rewrite = reader.text("rewrite-target");
  const allowed = [...reader.ranges("allowlist-source-range"), ...reader.ranges("whitelist-source-range")];
  const denied = reader.ranges("denylist-source-range");
  const closing = closingAnnotation(annotations);
  if (closing !== undefined) reader.problems.push({ annotation: closing, why: CLOSED });
  const options: RouteOptions = {
    protocol: reader.parsed("backend-protocol", (text) => PROTOCOLS[text.toUpperCase()], "http"),
    redirectToTls: redirectOf(reader),
    rewrite,
    usesPatterns: reader.flag("use-regex", false) || /\$\d/.test(rewrite),
    bodyBytes: reader.parsed("proxy-body-size", bytesOf, 0),
    connectSeconds: reader.parsed("proxy-connect-timeout", secondsOf, PLAIN_OPTIONS.connectSeconds),
    readSeconds: reader.parsed("proxy-read-timeout", secondsOf, PLAIN_OPTIONS.readSeconds),
    sendSeconds: reader.parsed("proxy-send-timeout", secondsOf, PLAIN_OPTIONS.sendSeconds),
    allowed,
    denied,
    cookie: cookieOf(reader),
    appRoot: reader.text("app-root"),
    redirect: fixedRedirect(reader),
    upstreamHost: reader.parsed("upstream-vhost", (text) => (/^[\w.:-]+$/.test(text) ? text : undefined), ""),
    cors: reader.flag("enable-cors", false) ? crossOrigin(reader) : undefined,
    isClosed: closing !== undefined || reader.isClosed,
  };
  return { options, problems: reader.problems };
}

class OptionReader {
  readonly problems: OptionProblem[] = [];
  /** Who is let in cannot be told. */
  isClosed = false;
  private readonly annotations: Readonly<Record<string, string>>;

  constructor(annotations: Readonly<Record<string, string>>) {
    this.annotations = annotations;
  }

  parsed<T>(name: IngressAnnotation, parse: (text: string) => T | undefined, absent: T): T {
    const text = ingressAnnotation(this.annotations, name)?.trim() ?? "";
    if (text === "") return absent;
    const value = parse(text);
    if (value === undefined) this.problems.push({ annotation: name, why: `${JSON.stringify(text)} means nothing` });
    return value ?? absent;
  }

  text(name: IngressAnnotation): string {
    return this.parsed(name, (text) => (isPrintable(text) ? text : undefined), "");
  }

  flag(name: IngressAnnotation, absent: boolean): boolean {
    return this.parsed(name, (text) => ({ true: true, false: false })[text.toLowerCase()], absent);
  }

  /** Addresses and networks. Whom a list means that is none nobody knows: rather than everybody, nobody is let in. */
  ranges(name: IngressAnnotation): readonly string[] {
    const isRange = (part: string): boolean => formatError(part.includes("/") ? "cidr" : "ip", part) === undefined;
    const split = (text: string): readonly string[] | undefined => {
      const parts = text.split(",").map((part) => part.trim());
      return parts.every(isRange) ? parts : undefined;
    };
    const before = this.problems.length;
    const ranges = this.parsed(name, split, []);
    if (this.problems.length > before) this.isClosed = true;
    return ranges;
  }
}

/** True for text that fits on one line. */
export function isPrintable(text: string): boolean {
  return /^[\x21-\x7e]*$/.test(text);
}

function redirectOf(reader: OptionReader): RouteOptions["redirectToTls"] {
  if (reader.flag("force-ssl-redirect", false)) return "always";
  return reader.flag("ssl-redirect", true) ? "certified" : "never";
}

function cookieOf(reader: OptionReader): string {
  if (reader.text("affinity") !== "cookie") return "";
  return reader.parsed("session-cookie-name", (text) => (/^[\w-]+$/.test(text) ? text : undefined), "INGRESSCOOKIE");
}

function fixedRedirect(reader: OptionReader): RouteOptions["redirect"] {
  const forGood = reader.text("permanent-redirect");
  if (forGood !== "") return { to: forGood, status: 301 };
  const forNow = reader.text("temporal-redirect");
  return forNow === "" ? undefined : { to: forNow, status: 302 };
}

function crossOrigin(reader: OptionReader): CrossOrigin {
  const words = (name: IngressAnnotation, absent: string): string =>
    reader.parsed(name, (text) => (/^[\w*\-, ]+$/.test(text) ? text : undefined), absent);
  const origins = reader.parsed(
    "cors-allow-origin",
    (text) => {
      const parts = text.split(",").map((part) => part.trim());
      return parts.every((part) => /^(\*|https?:\/\/[\w.*:-]+)$/.test(part)) ? parts : undefined;
    },
    ["*"],
  );
  return {
    origins,
    methods: words("cors-allow-methods", "GET, PUT, POST, DELETE, PATCH, OPTIONS"),
    headers: words(
      "cors-allow-headers",
      "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization",
    ),
    credentials: reader.flag("cors-allow-credentials", true),
    maxAgeSeconds: reader.parsed("cors-max-age", secondsOf, 1_728_000),
  };
}

/** The proxy counts milliseconds in 31 bits. */
const SECONDS_MOST = 2_147_483;

/** Seconds, of "60" or "60s". */
function secondsOf(text: string): number | undefined {
  const seconds = Number(/^(\d{1,9})s?$/.exec(text)?.[1] ?? Number.NaN);
  return seconds > 0 ? Math.min(seconds, SECONDS_MOST) : undefined;
}

/** Bytes, of "8m" as nginx writes it or of a quantity. */
function bytesOf(text: string): number | undefined {
  const [, digits, unit = ""] = /^(\d+)([kmg]?)$/i.exec(text) ?? [];
  const factor = 1_024 ** ["", "k", "m", "g"].indexOf(unit.toLowerCase());
  const bytes = digits === undefined ? parseQuantity(text) : Number(digits) * factor;
  return bytes === undefined ? undefined : Math.min(Math.ceil(bytes), Number.MAX_SAFE_INTEGER);
}
