/** A UDP packet of one byte in a packet of the overlay, as a sender with a raw socket could make it. */
export interface ForgedPacket {
  readonly vni: number;
  readonly toMac: string;
  /** Absent: one that no host has. */
  readonly fromMac?: string;
  readonly source: string;
  readonly destination: string;
  readonly port: number;
}

/** The payload of the outer datagram, in hexadecimal: VXLAN header, Ethernet, IPv4, UDP without checksum. */
export function vxlanDatagram({ vni, toMac, fromMac = NOBODYS_MAC, source, destination, port }: ForgedPacket): string {
  const vxlan = Buffer.alloc(8);
  vxlan.writeUInt8(0x08, 0);
  vxlan.writeUInt32BE(vni << 8, 4);
  const ethernet = Buffer.from(`${toMac}${fromMac}0800`.replaceAll(":", ""), "hex");
  const udp = Buffer.alloc(9);
  udp.writeUInt16BE(9, 0);
  udp.writeUInt16BE(port, 2);
  udp.writeUInt16BE(udp.length, 4);
  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(ip.length + udp.length, 2);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(17, 9);
  ip.set(source.split(".").map(Number), 12);
  ip.set(destination.split(".").map(Number), 16);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([vxlan, ethernet, ip, udp]).toString("hex");
}

const NOBODYS_MAC = "02:00:00:00:ff:ff";

function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
