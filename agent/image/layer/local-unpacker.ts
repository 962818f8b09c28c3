// Edge: runs sync(1).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { TallshipError } from "../../../lib/errors.js";
import { unpackLayer } from "./unpack-layer.js";
import type { Unpacker } from "./unpacker.js";

/** Unpacks in this process, blocking its event loop for a chunk of a layer at a time. What the worker runs; and for tools. */
export const localUnpacker: Unpacker = {
  unpack: unpackLayer,
  flush: async (folder, signal) => {
    const child = spawn("sync", ["--file-system", folder], { stdio: "ignore", signal });
    const [status] = await once(child, "close");
    if (status !== 0) throw new TallshipError("disk_failed", `sync of ${folder} ended with status ${String(status)}`);
  },
  close: () => Promise.resolve(),
};
