import type { ObjectKey } from "../../kinds/object.js";

/** Something to tell the user about an object. */
export interface Notice {
  readonly about: ObjectKey;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}
