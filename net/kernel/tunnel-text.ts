import type { HeldTunnel, TunnelDevice } from "./kernel.js";

/** Seconds between packets that keep a tunnel known on both sides; an end that does not answer is seen by it. */
const KEEPALIVE_S = 25;

/** An end that answered no longer ago than this is met: handshakes come every two minutes. */
const MET_S = 200;

/** What `wg syncconf` reads. */
export function tunnelConfig({ port, ends }: TunnelDevice, key: string): readonly string[] {
  return [
    "[Interface]",
    `PrivateKey = ${key}`,
    `ListenPort = ${port}`,
    ...ends.flatMap(({ publicKey, endpoint, allowed }) => [
      "[Peer]",
      `PublicKey = ${publicKey}`,
      `Endpoint = ${endpoint}`,
      `AllowedIPs = ${allowed.join(", ")}`,
      `PersistentKeepalive = ${KEEPALIVE_S}`,
    ]),
  ];
}

/** A device of `wg show DEVICE dump`; undefined when there is none. */
export function parseTunnel(device: string, dump: string, nowS: number): HeldTunnel | undefined {
  const [head, ...rows] = dump.split("\n").filter((line) => line.includes("\t"));
  const [, publicKey = "", port = ""] = head?.split("\t") ?? [];
  if (publicKey === "") return undefined;
  const ends = rows.map((row) => {
    const [key = "", , endpoint = "", allowed = "", handshakeS = "0"] = row.split("\t");
    const ranges = allowed === "(none)" ? [] : allowed.split(",").sort();
    return { end: { publicKey: key, endpoint, allowed: ranges }, handshakeS: Number(handshakeS) };
  });
  return {
    device,
    publicKey,
    port: Number(port),
    ends: ends.map(({ end }) => end),
    met: new Set(ends.flatMap(({ end, handshakeS }) => (nowS - handshakeS < MET_S ? [end.publicKey] : []))),
  };
}
