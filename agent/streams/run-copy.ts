// Edge: the program that writes an archive as another user.
import { asTallshipError } from "../../lib/errors.js";
import { TreeUnpacker, type UnpackOrder } from "../../lib/rooted/unpack-tree.js";
import { COPY_ORDER } from "./copy-as.js";

/** Unpacks its standard input as its environment says. Its last line tells the failure as `code: message`. */
export async function runCopy(): Promise<number> {
  // A parser: the agent of this very program wrote it.
  const unpacker = new TreeUnpacker(JSON.parse(process.env[COPY_ORDER] ?? "{}") as UnpackOrder);
  try {
    for await (const bytes of process.stdin) unpacker.push(bytes as Buffer);
    unpacker.finish();
    return 0;
  } catch (error) {
    const { code, message } = asTallshipError(error, "disk_failed");
    process.stderr.write(`${code}: ${message.replaceAll("\n", " ")}\n`);
    return 1;
  } finally {
    unpacker.close();
  }
}
