import type { Notice } from "./notice.js";

/** Takes what users should be told of objects; never blocks, drops and counts when full. Equal notices are folded into one with a count. */
export interface EventSink {
  record(notice: Notice, source: { readonly component: string; readonly host: string }): void;
}
