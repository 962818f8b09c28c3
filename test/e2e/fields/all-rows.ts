import { CONTAINER_ROWS } from "./containers.js";
import type { FieldRow } from "./field-row.js";
import { PLACEMENT_ROWS } from "./placement.js";
import { POD_ROWS } from "./pod.js";
import { PROBE_ROWS } from "./probes.js";
import { SECURITY_ROWS } from "./security.js";
import { VOLUME_ROWS } from "./volumes.js";

/** Every row, in the order in which they are looked at. */
export const FIELD_ROWS: readonly FieldRow[] = [
  ...CONTAINER_ROWS,
  ...PROBE_ROWS,
  ...VOLUME_ROWS,
  ...POD_ROWS,
  ...PLACEMENT_ROWS,
  ...SECURITY_ROWS,
];
