// Edge: places below volumes, as the runtime can mount them.
import { mkdirSync, readlinkSync, statSync } from "node:fs";
import { TallshipError } from "../../lib/errors.js";
import type { Launcher } from "../launcher/launcher.js";
import { shellWord } from "../launcher/shell-words.js";
import type { BindSource } from "./pod-disk.js";

/**
 * A runtime mounts inside the container's mount namespace, and the kernel binds no handle of another one (EINVAL). So a place is bound beforehand
 * by its name, to a name of our own, and taken only when device and inode are those of the handle: whoever swaps a part of the path
 * meanwhile gets a refusal.
 */
export class Pins {
  private readonly folder: string;
  private readonly launcher: Launcher;
  private count = 0;
  private readonly swept: Promise<void>;

  constructor(folder: string, launcher: Launcher) {
    this.folder = folder;
    this.launcher = launcher;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.swept = this.sweep();
  }

  /** The place that a handle stands for, as the runtime can mount it; the handle is released. */
  async pin(place: BindSource): Promise<BindSource> {
    try {
      await this.swept;
      this.count += 1;
      const pin = `${this.folder}/${this.count}`;
      const { dev, ino } = statSync(place.path, { bigint: true });
      const isFolder = statSync(place.path).isDirectory();
      const path = readlinkSync(place.path);
      const word = shellWord(pin);
      const steps = [
        isFolder ? `mkdir -p ${word}` : `: >${word}`,
        `mount --bind ${shellWord(path)} ${word}`,
        `{ [ "$(stat -c %d:%i ${word})" = ${dev}:${ino} ] || { umount -l ${word}; echo "it was replaced meanwhile"; exit 1; }; }`,
      ];
      const { exitCode, output } = await this.launcher.run(steps.join(" && "));
      if (exitCode !== 0) throw new TallshipError("kernel_failed", `bind ${path}: ${output.trim()}`);
      return { path: pin, release: () => this.release(word) };
    } finally {
      await place.release();
    }
  }

  /** Never recursive: if something is still mounted there, it is somebody's volume. */
  private async release(word: string): Promise<void> {
    await this.launcher.run(`umount -l ${word}; rmdir ${word} 2>/dev/null || rm -f ${word}`);
  }

  /** What an agent that died left. A launcher that dies meanwhile leaves it to the next agent: it is in nobody's way. */
  private async sweep(): Promise<void> {
    const each = 'umount -l "$pin"; rmdir "$pin" 2>/dev/null || rm -f "$pin"';
    const script = `for pin in ${shellWord(this.folder)}/*; do [ ! -e "$pin" ] || { ${each}; }; done`;
    await this.launcher.run(script).catch(() => undefined);
  }
}
