import { TallshipError } from "../../lib/errors.js";
import { readRooted } from "../../lib/rooted/read-file.js";
import { namedUser } from "../oci/user.js";
import type { ExecChanges } from "../runtime/runtime.js";

/** As much of /etc/passwd and /etc/group as is looked at. */
const FILE_BYTES = 1_048_576;

const FORM = /^[A-Za-z0-9_][-A-Za-z0-9_.]*(:[A-Za-z0-9_][-A-Za-z0-9_.]*)?$/;

/** The user that an operator asks for, by number or by the name that it has in the container now; undefined: the container's own. */
export function execUser(text: string, root: string): ExecChanges["user"] {
  if (text === "") return undefined;
  if (!FORM.test(text))
    throw new TallshipError(
      "invalid_argument",
      `exec: user is USER[:GROUP], names or numbers, not ${JSON.stringify(text)}`,
    );
  const files = {
    passwd: readRooted(root, "etc/passwd", FILE_BYTES),
    group: readRooted(root, "etc/group", FILE_BYTES),
  };
  return namedUser(text, files);
}
