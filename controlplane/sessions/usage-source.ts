/** What one container uses. */
export interface ContainerRate {
  readonly name: string;
  /** Thousandths of a core, over `windowMs`; undefined until it was read twice. */
  readonly cpuMillicores: number | undefined;
  readonly memoryBytes: number;
  /** When it was read last, milliseconds since the epoch. */
  readonly readAtMs: number;
  readonly windowMs: number;
}

/** One series of a metric that a pod exports, as its node read it. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly readAtMs: number;
}

/** What the leader wants to know: nothing while nobody asks. */
export interface UsageWish {
  /** How often nodes tell; 0: never. */
  readonly everyMs: number;
  /** Names of the metrics to read, by uid of the pod. */
  readonly metrics: ReadonlyMap<string, readonly string[]>;
}

/** What pods use and export, from the nodes' sessions: in the leader's memory alone, and not older than limits.usageKeptMs. */
export interface UsageSource {
  /** The containers of a pod; undefined when its node has not said. */
  usageOf(nodeName: string, uid: string): readonly ContainerRate[] | undefined;
  /** The series that a pod exports, of all metrics that were asked for. */
  seriesOf(nodeName: string, uid: string): readonly Series[];
  /** Replaces what was wanted before. */
  wantUsage(wish: UsageWish): void;
}
