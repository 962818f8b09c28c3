/** What runs against a container beside it: its probes, again and again, and the hooks of its life, once. */
export type CheckKind = "startup" | "liveness" | "readiness" | "postStart" | "preStop";

/** What a check does. Names of ports and absent hosts are resolved. */
export type CheckTarget =
  | { readonly is: "exec"; readonly command: readonly string[] }
  | {
      readonly is: "http";
      readonly scheme: "HTTP" | "HTTPS";
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly headers: readonly { readonly name: string; readonly value: string }[];
    }
  | { readonly is: "tcp"; readonly host: string; readonly port: number }
  | { readonly is: "grpc"; readonly host: string; readonly port: number; readonly service: string }
  | { readonly is: "sleep"; readonly ms: number }
  /** It cannot be carried out, for this reason: it fails each time. */
  | { readonly is: "impossible"; readonly message: string };

/** When a check is carried out and what its results come to. A hook has one period, and one result decides. */
export interface CheckTiming {
  /** The first one not before, as Clock.nowMs. */
  readonly firstAtMs: number;
  /** Undefined for a hook, which is carried out once. */
  readonly periodMs: number | undefined;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** One check that shall go on now. */
export interface Check {
  readonly kind: CheckKind;
  readonly container: string;
  readonly attempt: number;
  readonly target: CheckTarget;
  readonly timing: CheckTiming;
}

/** What carrying a check out once came to; the message is for people. */
export interface CheckResult {
  readonly isPassed: boolean;
  readonly message: string;
}

/**
 * Edge: carries a check out once. Never throws: what goes wrong is a check that has not passed. Gives up, and ends what it began, when the
 * signal aborts. `sleep` and `impossible` are not its concern.
 */
export type PerformCheck = (podUid: string, check: Check, signal: AbortSignal) => Promise<CheckResult>;

/** Tells the checks of a pod apart. */
export function checkId({ container, attempt, kind }: Check): string {
  return `${container}.${attempt}.${kind}`;
}
