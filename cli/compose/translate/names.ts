import { createHash } from "node:crypto";

/** Label of everything that belongs to a project, as docker sets it on containers. */
export const PROJECT_LABEL = "com.docker.compose.project";
/** Label of everything that belongs to a service. */
export const SERVICE_LABEL = "com.docker.compose.service";

/** Label of a container that `compose run` started, as docker sets it. */
export const ONE_OFF_LABEL = "com.docker.compose.oneoff";

/** The name as a DNS label that starts with a letter: `my_db` is `my-db`. */
export function dnsName(name: string): string {
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "");
  const started = /^[a-z]/.test(plain) ? plain : `s-${plain}`;
  return started.slice(0, LONGEST).replace(/-+$/, "");
}

/** Longest DNS label. */
const LONGEST = 63;

/** A name for something that has a path, readable and its own: `bind-nginx-conf-3f2a9c`. */
export function pathName(prefix: string, path: string): string {
  const digest = createHash("sha256").update(path).digest("hex").slice(0, 6);
  const slug = dnsName(path.replace(/^[./~]+/, ""))
    .replace(/^s-/, "")
    .slice(0, 40);
  return dnsName(`${prefix}-${slug}-${digest}`);
}

/** A project's name as docker makes it of a folder's name; empty when nothing is left. */
export function projectNameOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, "")
    .replace(/^[_-]+/, "");
}

/** True when a text may stand as a label's value. */
export function isLabelValue(text: string): boolean {
  return text.length <= LONGEST && /^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$/.test(text);
}

/** True when a text may stand as a label's name. */
export function isLabelName(text: string): boolean {
  return /^([a-z0-9]([a-z0-9.-]*[a-z0-9])?\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/.test(text);
}
