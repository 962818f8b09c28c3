import { type Cancel, rfc3339 } from "../clock.js";
import { isSignedBy, readCertificate } from "../pki/read.js";

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

/** Why no server of the authority would take these credentials now; undefined when they are good. */
export function faultOf({ caPem, pair }: Credentials, nowMs: number): string | undefined {
  if (pair === undefined) return undefined;
  const { notBeforeMs, notAfterMs } = readCertificate(pair.certificatePem);
  if (nowMs >= notAfterMs) return `the client certificate expired at ${rfc3339(notAfterMs)}`;
  if (nowMs < notBeforeMs) return `the client certificate is valid only from ${rfc3339(notBeforeMs)}: check the clock`;
  return isSignedBy(pair.certificatePem, caPem, nowMs) ? undefined : "the client certificate is of another authority";
}
