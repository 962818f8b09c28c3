import { asTallshipError } from "./errors.js";

/**
 * Keeps on disk what changes in memory, as a whole. One write after the other, and one for all changes that came meanwhile: a hundred pods that start together do not
 * wait for a hundred syncs.
 */
export class LatestSave {
  private readonly write: () => Promise<void>;
  private saving: Promise<void> = Promise.resolve();
  private changeCount = 0;
  private savedCount = 0;

  /** `write` writes what holds when it is called, and resolves when that would survive a power cut. */
  constructor(write: () => Promise<void>) {
    this.write = write;
  }

  /** What holds now is not what was written last. */
  changed(): void {
    this.changeCount += 1;
  }

  /** Resolves when all changes until now are on disk. Whoever waits for a write that fails is told, and the next who asks has it tried again. */
  saved(): Promise<void> {
    const saving = this.saving.then(() => this.writeChanges());
    this.saving = saving.catch(() => undefined);
    return saving;
  }

  private async writeChanges(): Promise<void> {
    const { changeCount } = this;
    if (changeCount === this.savedCount) return;
    try {
      await this.write();
    } catch (cause) {
      throw asTallshipError(cause, "disk_failed");
    }
    this.savedCount = changeCount;
  }
}
