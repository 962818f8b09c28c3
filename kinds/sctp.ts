import type { Service } from "../proto/gen/tallship/v1/service.js";

/** Type of the condition of a node whose kernel does not track connections of SCTP: services cannot lead them there. */
export const SCTP_CONDITION = "SCTPUnavailable";

/** True when clients speak SCTP to a service. */
export function speaksSctp(service: Service | undefined): boolean {
  return service?.spec?.ports.some(({ protocol }) => protocol === "SCTP") === true;
}
