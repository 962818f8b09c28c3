import { TallshipError } from "../errors.js";

/** What a join token says: which authority to believe, which token this is, and where to ask. */
export interface JoinToken {
  /** Pin of the authority, as CertificateFacts has it. */
  readonly pin: string;
  readonly id: string;
  readonly secret: string;
  /** host:port of listeners, at least one. */
  readonly addresses: readonly string[];
}

const VERSION = "TSJ1";
const PART = /^[A-Za-z0-9_-]+$/;
const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):\d{1,5}$/;

/** The token as people pass it on: TSJ1.<pin>.<id>.<secret>.<base64url of host:port,…>. */
export function formatJoinToken({ pin, id, secret, addresses }: JoinToken): string {
  return [VERSION, pin, id, secret, Buffer.from(addresses.join(",")).toString("base64url")].join(".");
}

/** Reads a token; throws invalid_argument, without the token in the message. */
export function parseJoinToken(text: string): JoinToken {
  const [version, pin = "", id = "", secret = "", encoded = "", ...rest] = text.trim().split(".");
  if (version !== VERSION) throw malformed(`it does not begin with ${VERSION}`);
  if (rest.length > 0 || ![pin, id, secret, encoded].every((part) => PART.test(part)))
    throw malformed("want five parts separated by dots");
  const addresses = Buffer.from(encoded, "base64url").toString().split(",");
  const odd = addresses.find((address) => !ADDRESS.test(address));
  if (odd !== undefined) throw malformed("its last part holds no addresses: was the end cut off?");
  return { pin, id, secret, addresses };
}

function malformed(why: string): TallshipError {
  return new TallshipError("invalid_argument", `read join token: ${why}`);
}
