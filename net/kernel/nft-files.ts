// Edge: files that are given to an nft of their own, and that it answers in.
import { mkdir, open, rm } from "node:fs/promises";
import { TallshipError } from "../../lib/errors.js";
import type { CoProcess } from "./co-process.js";
import { quoted } from "./shell-script.js";

/** Longest transaction given to the nft that stays alive. Bigger ones go to an nft of their own, whose memory ends with it. */
export const INTERACTIVE_BYTES = 65_536;

/** The programs that both tables of a family share. */
export interface NftTools {
  readonly nft: CoProcess;
  readonly shell: CoProcess;
  readonly files: NftFiles;
}

/** Transactions and listings of any size, by files that are gone afterwards. */
export class NftFiles {
  private readonly shell: CoProcess;
  private readonly folder: string;
  private lastFile = 0;

  constructor(shell: CoProcess, runDir: string) {
    this.shell = shell;
    this.folder = `${runDir}/net`;
  }

  /** Gives a transaction of any size to an nft of its own. The text is written piece by piece, so that nobody waits for it. */
  async load(pieces: Iterable<string>, purpose: string): Promise<void> {
    await this.with(async (path) => {
      const file = await open(path, "w", 0o600);
      try {
        for (const piece of pieces) await file.write(piece);
      } finally {
        await file.close();
      }
      const said = (await this.shell.request(`nft -f ${quoted(path)}`)).trim();
      if (said !== "") throw new TallshipError("kernel_failed", `${purpose}: nft: ${said.slice(0, 500)}`);
    });
  }

  /** Lends a path for a file. */
  async with<T>(work: (path: string) => Promise<T>): Promise<T> {
    await mkdir(this.folder, { recursive: true });
    this.lastFile += 1;
    const path = `${this.folder}/nft-${process.pid}-${this.lastFile}`;
    try {
      return await work(path);
    } finally {
      await rm(path, { force: true });
    }
  }
}
