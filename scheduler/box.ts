/** A range of shares of cpu and memory that are used, 0 to 1; above 1 counts as 1. */
export interface Box {
  readonly cpuLow: number;
  readonly cpuHigh: number;
  readonly memoryLow: number;
  readonly memoryHigh: number;
}
