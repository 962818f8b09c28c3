// Edge: what the kernel counts of written files.
import { statfsSync } from "node:fs";
import { readText } from "../../lib/read-text.js";

/** File systems that keep what is written in the page cache until it is written back, so that the kernel counts it: ext2 to ext4, xfs, btrfs, f2fs. */
const COUNTED = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010]);

/**
 * How many bytes were written to files on this machine since it booted, pages counted whole (`nr_dirtied` of /proc/vmstat, which follows within a second or half a megabyte for each processor);
 * always undefined where what is written below the folder is not counted. No file below it can have grown by more.
 */
export function writtenBytesAt(folder: string): () => number | undefined {
  const pageBytes = pageSize();
  if (pageBytes === undefined || !isCounted(folder)) return () => undefined;
  return () => {
    const pages = /^nr_dirtied (\d+)$/m.exec(readText("/proc/vmstat"))?.[1];
    return pages === undefined ? undefined : Number(pages) * pageBytes;
  };
}

function isCounted(folder: string): boolean {
  try {
    return COUNTED.has(statfsSync(folder).type);
  } catch {
    return false; // Nothing is there yet: it may be put on anything.
  }
}

function pageSize(): number | undefined {
  const kibibytes = /^KernelPageSize:\s+(\d+) kB$/m.exec(readText("/proc/self/smaps"))?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
