import { type Cancel, rfc3339 } from "../clock.js";
import { type CertificateFacts, readCertificate, wasSignedBy } from "../pki/read.js";

/** What one side of a connection shows and trusts, PEM. Without a pair the side is anonymous. */
export interface Credentials {
  /** The authority that peers must be signed by. */
  readonly caPem: string;
  readonly pair: { readonly certificatePem: string; readonly keyPem: string } | undefined;
}

/** Credentials that may be renewed while connections are up: new connections use the current ones. */
export interface CredentialSource {
  current(): Credentials;
  /** Calls whenever current() has changed. */
  onChange(listener: () => void): Cancel;
}

/** A source whose owner replaces the credentials. */
export interface MutableCredentials extends CredentialSource {
  replace(credentials: Credentials): void;
}

/** A source that starts with the credentials given. */
export function mutableCredentials(initial: Credentials): MutableCredentials {
  let credentials = initial;
  const listeners = new Set<() => void>();
  return {
    current: () => credentials,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    replace: (next) => {
      credentials = next;
      for (const listener of [...listeners]) listener();
    },
  };
}

/** Why no server of the authority would take these credentials now; undefined when they are good. Asked for with each call that fails, and read once. */
export function faultOf(credentials: Credentials, nowMs: number): string | undefined {
  const { caPem, pair } = credentials;
  if (pair === undefined) return undefined;
  const reading = readings.get(credentials) ?? readingOf(caPem, pair);
  readings.set(credentials, reading);
  const { own, authority, isSigned } = reading;
  const { notBeforeMs, notAfterMs } = own;
  if (nowMs >= notAfterMs) return `the client certificate expired at ${rfc3339(notAfterMs)}`;
  if (nowMs < notBeforeMs) return `the client certificate is valid only from ${rfc3339(notBeforeMs)}: check the clock`;
  const isTimely = authority.notBeforeMs <= nowMs && nowMs < authority.notAfterMs;
  return isSigned && isTimely ? undefined : "the client certificate is of another authority";
}

/** What the certificates say. */
interface Reading {
  readonly own: CertificateFacts;
  readonly authority: CertificateFacts;
  readonly isSigned: boolean;
}

const readings = new WeakMap<Credentials, Reading>();

function readingOf(caPem: string, { certificatePem }: NonNullable<Credentials["pair"]>): Reading {
  return {
    own: readCertificate(certificatePem),
    authority: readCertificate(caPem),
    isSigned: wasSignedBy(certificatePem, caPem),
  };
}
