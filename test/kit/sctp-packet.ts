/** An SCTP packet as the kernel tracks connections by: what begins one, or what answers it. */
export interface SctpPacket {
  readonly chunk: "init" | "init-ack";
  readonly fromPort: number;
  readonly toPort: number;
}

const TAG = 0x0a0b0c0d;

/** The packet in hexadecimal, for a raw socket: kernels without SCTP of their own forward it all the same. */
export function sctpPacket({ chunk, fromPort, toPort }: SctpPacket): string {
  const packet = Buffer.alloc(12 + 20);
  packet.writeUInt16BE(fromPort, 0);
  packet.writeUInt16BE(toPort, 2);
  // What begins a connection bears no tag; its answer the one that it named.
  packet.writeUInt32BE(chunk === "init" ? 0 : TAG, 4);
  packet.writeUInt8(chunk === "init" ? 1 : 2, 12);
  packet.writeUInt16BE(20, 14);
  packet.writeUInt32BE(TAG, 16);
  packet.writeUInt32BE(65_536, 20);
  packet.writeUInt16BE(1, 24);
  packet.writeUInt16BE(1, 26);
  packet.writeUInt32BE(1, 28);
  packet.writeUInt32LE(crc32c(packet), 8);
  return packet.toString("hex");
}

/** Castagnoli's, which the kernel checks before it tracks a packet. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
