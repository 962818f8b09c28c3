import { countOption, type OptionSpecs, type OptionValues } from "../../lib/command-line.js";
import { DEFAULT_EVICTION, type HostEviction } from "../../lib/host-config.js";
import { evictionRules } from "../pressure/thresholds.js";

/** Options of a host that say when its pods are evicted; named and written as those of Kubernetes' agent. */
export const EVICTION_OPTIONS = {
  "eviction-hard": { type: "string", value: "BOUNDS", help: `below these pods are evicted (${DEFAULT_EVICTION.hard})` },
  "eviction-soft": {
    type: "string",
    value: "BOUNDS",
    help: "below these pods are evicted after a grace period (none)",
  },
  "eviction-soft-grace-period": { type: "string", value: "PERIODS", help: "such as memory.available=1m30s" },
  "eviction-max-pod-grace-period": {
    type: "string",
    value: "SECONDS",
    help: `longest grace of a pod at a soft bound (${DEFAULT_EVICTION.maxPodGraceSeconds})`,
  },
  "eviction-minimum-reclaim": { type: "string", value: "AMOUNTS", help: "to win back beyond a bound that was passed" },
  "eviction-pressure-transition-period": {
    type: "string",
    value: "PERIOD",
    help: `a condition stays this long after it was last met (${DEFAULT_EVICTION.transition})`,
  },
} as const satisfies OptionSpecs;

/** What the options say of eviction, for the host's configuration; undefined when they say nothing. Throws invalid_argument for what no agent would take. */
export function evictionOf(values: OptionValues<typeof EVICTION_OPTIONS>): Partial<HostEviction> | undefined {
  const seconds = values["eviction-max-pod-grace-period"];
  const given: Partial<HostEviction> = {
    ...optional("hard", values["eviction-hard"]),
    ...optional("soft", values["eviction-soft"]),
    ...optional("softGrace", values["eviction-soft-grace-period"]),
    ...optional("minimumReclaim", values["eviction-minimum-reclaim"]),
    ...optional("transition", values["eviction-pressure-transition-period"]),
    ...(seconds !== undefined && {
      maxPodGraceSeconds: countOption("eviction-max-pod-grace-period", seconds, { otherwise: 0, min: 0, max: 3_600 }),
    }),
  };
  if (Object.keys(given).length === 0) return undefined;
  evictionRules({ ...DEFAULT_EVICTION, ...given });
  return given;
}

function optional<K extends keyof HostEviction>(name: K, text: string | undefined): Partial<Record<K, string>> {
  const given: Partial<Record<K, string>> = {};
  if (text !== undefined) given[name] = text;
  return given;
}
