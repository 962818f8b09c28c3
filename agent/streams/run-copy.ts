// Edge: the program that writes an archive as another user.
import { asTallshipError } from "../../lib/errors.js";
import { LeftOut } from "../../lib/rooted/left-out.js";
import { TreeUnpacker, type UnpackOrder } from "../../lib/rooted/unpack-tree.js";
import { COPY_ORDER } from "./copy-as.js";

/** Unpacks its standard input as its environment says, and says on standard output what it has left out; on standard error a failure as `code: message`. */
export async function runCopy(): Promise<number> {
  // A parser: the agent of this very program wrote it.
  const order = JSON.parse(process.env[COPY_ORDER] ?? "{}") as UnpackOrder;
  const left = new LeftOut();
  const unpacker = new TreeUnpacker(order, left.note);
  try {
    // A stream without an encoding gives buffers.
    for await (const bytes of process.stdin) unpacker.push(bytes as Buffer);
    unpacker.finish();
    process.stdout.write(left.text);
    return 0;
  } catch (error) {
    const { code, message } = asTallshipError(error, "disk_failed");
    process.stderr.write(`${code}: ${message.replaceAll("\n", " ")}\n`);
    return 1;
  } finally {
    unpacker.close();
  }
}
