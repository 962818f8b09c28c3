import type { Cancel } from "../clock.js";

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
