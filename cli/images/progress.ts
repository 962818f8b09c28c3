import { bytesText } from "../../kinds/bytes-text.js";
import type { ImageProgress } from "../../proto/gen/tallship/v1/images.js";
import { safeText } from "../safe-text.js";
import type { Shell } from "../shell.js";

/** One line on a terminal that says how far something is; nothing anywhere else. */
export class Progress {
  private readonly shell: Shell;
  private readonly isShown: boolean;
  private hasLine = false;

  constructor(shell: Shell, isQuiet: boolean) {
    this.shell = shell;
    this.isShown = shell.stderr.isTerminal && !isQuiet;
  }

  /** Replaces the line. */
  async tell({ step, bytesDone, bytesTotal }: ImageProgress): Promise<void> {
    if (!this.isShown) return;
    const of = bytesTotal > 0 ? `/${bytesText(bytesTotal)}` : "";
    this.hasLine = true;
    await this.shell.stderr.write(`\r\x1b[K${safeText(step)} ${bytesText(bytesDone)}${of}`);
  }

  /** Takes the line away. */
  async clear(): Promise<void> {
    if (!this.hasLine) return;
    this.hasLine = false;
    await this.shell.stderr.write("\r\x1b[K");
  }
}
