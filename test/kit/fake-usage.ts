import type { ContainerRate, Series, UsageSource, UsageWish } from "../../controlplane/sessions/usage-source.js";

/** Usage that a test sets, by uid of the pod. */
export class FakeUsage implements UsageSource {
  readonly containers = new Map<string, readonly ContainerRate[]>();
  readonly series = new Map<string, readonly Series[]>();
  wish: UsageWish = { everyMs: 0, metrics: new Map() };

  usageOf(_nodeName: string, uid: string): readonly ContainerRate[] | undefined {
    return this.containers.get(uid);
  }

  seriesOf(_nodeName: string, uid: string): readonly Series[] {
    return this.series.get(uid) ?? [];
  }

  wantUsage(wish: UsageWish): void {
    this.wish = wish;
  }
}
