import { TallshipError } from "../errors.js";
import { readCertificate } from "../pki/read.js";
import type { Identity } from "./service.js";

/** Who a certificate can say somebody is. */
export type Role = Exclude<Identity["role"], "anonymous">;

const ROLES: readonly Role[] = ["admin", "node", "control-plane", "metrics"];
const PREFIX = "tallship:";

/** The peer of a listener that asks for no certificate. */
export const ANONYMOUS: Identity = { name: "", role: "anonymous" };

/** The organization that makes a certificate one of the role. */
export function organizationOf(role: Role): string {
  return `${PREFIX}${role}`;
}

/** Who a subject names: CN is the name, O the role. Undefined when it names no role, has no name, or says either twice. */
export function identityOfSubject(
  subject: { readonly CN?: unknown; readonly O?: unknown } | undefined,
): Identity | undefined {
  const name = subject?.CN;
  const organization = subject?.O;
  if (typeof name !== "string" || name === "" || typeof organization !== "string") return undefined;
  const role = ROLES.find((known) => organizationOf(known) === organization);
  return role === undefined ? undefined : { name, role };
}

/** Who a certificate names; throws unauthenticated when it is none of Tallship's. The signature is not checked here. */
export function identityOfCertificate(pem: string | Buffer): Identity {
  const { subject } = readCertificate(pem);
  const identity = identityOfSubject({ CN: subject.name, O: subject.organization });
  if (identity !== undefined) return identity;
  throw new TallshipError(
    "unauthenticated",
    `certificate of "${subject.name}" has no role of Tallship: "${subject.organization}"`,
  );
}
