import type { TestService } from "../test/kit/network-world.js";

/** Endpoints of each service. */
export const ENDPOINTS = 10;

/** Port on which they answer. */
export const PORT = 8080;

/** Services whose endpoints are all the same ten pods; the first is the one that is asked. */
export function services(count: number): readonly TestService[] {
  const endpoints = Array.from({ length: ENDPOINTS }, (_, at) => `10.128.1.${20 + at}`);
  return Array.from({ length: count }, (_, at) => ({
    name: `s${at}`,
    clusterIP: `10.97.${at >> 8}.${at & 255}`,
    ports: [{ port: 80, targetPort: PORT }],
    endpoints,
  }));
}
