import { asTallshipError, TallshipError } from "../../lib/errors.js";

/** The error as a TallshipError: a failed system call is disk_failed, anything else unknown a bug. */
export function asDiskError(error: unknown): TallshipError {
  const isSystem = error instanceof Error && "syscall" in error;
  return asTallshipError(error, isSystem ? "disk_failed" : "internal");
}

/** Does something to the disk; a failed system call is disk_failed, with what was being done. */
export async function onDisk<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (caught) {
    const error = asDiskError(caught);
    if (error === caught) throw error;
    throw new TallshipError(error.code, `${what}: ${error.message}`, { cause: caught });
  }
}
