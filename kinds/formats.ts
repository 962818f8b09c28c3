import { isTimeZone, parseCron } from "../lib/cron-text.js";
import { parseQuantity } from "../lib/quantity.js";
import { isDigest, isImageName } from "./image-reference.js";
import { isIpv4, isIpv6 } from "./ip.js";

/** Says what is wrong with a text; undefined when it has the form. The empty text is not asked. */
export type Format = (text: string) => string | undefined;

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const DNS_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const DURATION = /^[-+]?(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$|^0$/;

/** Every form that a rule in proto/ can name. */
export const FORMATS = {
  quantity: (text) => (parseQuantity(text) === undefined ? "want a quantity such as 500m, 64Mi or 2" : undefined),
  time: (text) =>
    TIME.test(text) && !Number.isNaN(Date.parse(text)) ? undefined : "want a time such as 2026-01-31T12:00:00Z",
  duration: (text) => (DURATION.test(text) ? undefined : "want a duration such as 30s, 5m or 1h30m"),
  ip: (text) => (isIpv4(text) || isIpv6(text) ? undefined : "want an IP address"),
  cidr,
  clusterIP: (text) => (text === "None" || isIpv4(text) || isIpv6(text) ? undefined : 'want an IP address, or "None"'),
  dnsLabel: (text) =>
    text.length <= 63 && DNS_LABEL.test(text)
      ? undefined
      : "want at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit",
  dnsLabelLetterFirst: (text) =>
    text.length <= 63 && DNS_1035.test(text)
      ? undefined
      : "want at most 63 lower-case letters, digits and '-', starting with a letter and ending with a letter or digit",
  dnsSubdomain: (text) =>
    text.length <= 253 && DNS_SUBDOMAIN.test(text)
      ? undefined
      : "want at most 253 lower-case letters, digits, '-' and '.', starting and ending with a letter or digit",
  fullName: (text) =>
    text.length <= 254 && DNS_SUBDOMAIN.test(text.endsWith(".") ? text.slice(0, -1) : text)
      ? undefined
      : "want a DNS name, which may end with '.'",
  hostName: (text) =>
    text.length <= 253 && DNS_SUBDOMAIN.test(text.startsWith("*.") ? text.slice(2) : text) && !isIpv4(text)
      ? undefined
      : "want a DNS name, which may begin with '*.', and no address",
  pathSegment: (text) =>
    text !== "." && text !== ".." && text.length <= 253 && !/[/%]/.test(text)
      ? undefined
      : "want at most 253 bytes without '/' and '%', not '.' and not '..'",
  digest: (text) => (isDigest(text) ? undefined : "want sha256: and 64 hex digits in lower case"),
  imageName: (text) =>
    isImageName(text)
      ? undefined
      : "want a whole image reference with its tag and no digest, such as docker.io/library/app:v1",
  domainPath: (text) =>
    /^[^/]+\/[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(text) && DNS_SUBDOMAIN.test(text.slice(0, text.indexOf("/")))
      ? undefined
      : "want a path under a domain, such as example.com/controller",
  qualifiedName,
  resourceName: qualifiedName,
  labelValue: (text) =>
    text.length <= 63 && QUALIFIED.test(text)
      ? undefined
      : "want at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit",
  portName: (text) =>
    text.length <= 15 && DNS_LABEL.test(text) && /[a-z]/.test(text) && !text.includes("--")
      ? undefined
      : "want at most 15 lower-case letters, digits and single '-', with at least one letter",
  envName: (text) => (/^[^=\0]+$/.test(text) ? undefined : "want a name without '='"),
  configKey: (text) =>
    text.length <= 253 && /^[-._a-zA-Z0-9]+$/.test(text) && text !== "." && !text.startsWith("..")
      ? undefined
      : "want at most 253 letters, digits, '-', '_' and '.', not '.' and not starting with '..'",
  absolutePath: (text) => (text.startsWith("/") && !hasDotDot(text) ? undefined : "want an absolute path without '..'"),
  relativePath: (text) => (!text.startsWith("/") && !hasDotDot(text) ? undefined : "want a relative path without '..'"),
  cron: (text) => {
    const parsed = parseCron(text);
    return typeof parsed === "string" ? parsed : undefined;
  },
  timeZone: (text) =>
    isTimeZone(text) && !/^local$/i.test(text) ? undefined : "want a time zone such as Europe/Berlin",
  countOrPercent: (text) => (/^\d+%$/.test(text) ? undefined : "want a count, or a percentage such as 25%"),
} as const satisfies Record<string, Format>;

/** What is wrong with a text by the name of its form; undefined when nothing is. */
export function formatError(format: string, text: string): string | undefined {
  // FORMATS is the table of names; a test holds the schema to it.
  return Object.hasOwn(FORMATS, format) ? FORMATS[format as keyof typeof FORMATS](text) : undefined;
}

function qualifiedName(text: string): string | undefined {
  const parts = text.split("/");
  const [prefix, name] = parts.length === 1 ? [undefined, parts[0]] : parts;
  const isFine =
    parts.length <= 2 &&
    name !== undefined &&
    name.length <= 63 &&
    QUALIFIED.test(name) &&
    (prefix === undefined || (prefix.length <= 253 && DNS_SUBDOMAIN.test(prefix)));
  if (isFine) return undefined;
  return "want at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit, optionally after a DNS name and '/'";
}

function cidr(text: string): string | undefined {
  const [address = "", bits = "", ...rest] = text.split("/");
  const most = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1;
  const isFine = rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
  return isFine ? undefined : "want a range such as 10.0.0.0/24";
}

function hasDotDot(path: string): boolean {
  return path.split("/").includes("..");
}
