import { Gauge, type Registry } from "prom-client";

/** What every daemon tells of itself. */
export function daemonMetrics(registers: Registry[]) {
  return {
    certificateExpirySeconds: new Gauge({
      name: "tallship_certificate_expiry_timestamp_seconds",
      help: "When a certificate expires, seconds since the epoch",
      labelNames: ["certificate"],
      registers,
    }),
    buildInfo: new Gauge({
      name: "tallship_build_info",
      help: "1, with version and commit as labels",
      labelNames: ["version", "commit"],
      registers,
    }),
  } as const;
}
