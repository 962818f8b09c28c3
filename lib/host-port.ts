/** An address, or a name, and a port as one text; IPv6 in brackets. */
export function hostPort(host: string, port: number | string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
