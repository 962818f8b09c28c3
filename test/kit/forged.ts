import { parseIpv6 } from "../../net/ipv6.js";

/** A UDP packet of one byte in a packet of the overlay, as a sender with a raw socket could make it. */
export interface ForgedPacket {
  readonly vni: number;
  readonly toMac: string;
  /** Absent: one that no host has. */
  readonly fromMac?: string;
  /** Addresses of one family. */
  readonly source: string;
  readonly destination: string;
  readonly port: number;
  /** Absent: 9. */
  readonly fromPort?: number;
}

/** The payload of the outer datagram, in hexadecimal: VXLAN header, Ethernet, IPv4 or IPv6, UDP, of IPv4 without checksum. */
export function vxlanDatagram(packet: ForgedPacket): string {
  const { vni, toMac, fromMac = NOBODYS_MAC, source } = packet;
  const isIpv6 = source.includes(":");
  const vxlan = Buffer.alloc(8);
  vxlan.writeUInt8(0x08, 0);
  vxlan.writeUInt32BE(vni << 8, 4);
  const ethernet = Buffer.from(`${toMac}${fromMac}${isIpv6 ? "86dd" : "0800"}`.replaceAll(":", ""), "hex");
  return Buffer.concat([vxlan, ethernet, isIpv6 ? ipv6Datagram(packet) : ipv4Datagram(packet)]).toString("hex");
}

function udpOf({ port, fromPort = 9 }: ForgedPacket): Buffer {
  const udp = Buffer.alloc(9);
  udp.writeUInt16BE(fromPort, 0);
  udp.writeUInt16BE(port, 2);
  udp.writeUInt16BE(udp.length, 4);
  return udp;
}

function ipv4Datagram(packet: ForgedPacket): Buffer {
  const { source, destination } = packet;
  const udp = udpOf(packet);
  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(ip.length + udp.length, 2);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(UDP, 9);
  ip.set(source.split(".").map(Number), 12);
  ip.set(destination.split(".").map(Number), 16);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([ip, udp]);
}

function ipv6Datagram(packet: ForgedPacket): Buffer {
  const { source, destination } = packet;
  const udp = udpOf(packet);
  const ip = Buffer.alloc(40);
  ip.writeUInt8(0x60, 0);
  ip.writeUInt16BE(udp.length, 4);
  ip.writeUInt8(UDP, 6);
  ip.writeUInt8(64, 7);
  ip.write(ipv6Hex(source), 8, "hex");
  ip.write(ipv6Hex(destination), 24, "hex");
  // Its sum is over the addresses, the length and the protocol too.
  const summed = Buffer.concat([ip.subarray(8), Buffer.from([0, udp.length, 0, UDP]), udp, Buffer.alloc(1)]);
  udp.writeUInt16BE(checksum(summed), 6);
  return Buffer.concat([ip, udp]);
}

function ipv6Hex(address: string): string {
  return (parseIpv6(address) ?? 0n).toString(16).padStart(32, "0");
}

const UDP = 17;
const NOBODYS_MAC = "02:00:00:00:ff:ff";

function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
