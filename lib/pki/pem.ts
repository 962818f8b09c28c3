import { TallshipError } from "../errors.js";

/** Wraps DER as PEM. */
export function pemOf(label: string, content: Uint8Array): string {
  const lines =
    Buffer.from(content)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The DER of the first block with the label; throws invalid_argument when there is none. */
export function derOfPem(label: string, pem: string): Buffer {
  const match = new RegExp(`-----BEGIN ${label}-----([A-Za-z0-9+/=\\s]+)-----END ${label}-----`).exec(pem);
  if (match?.[1] === undefined) throw new TallshipError("invalid_argument", `read PEM: no ${label}`);
  return Buffer.from(match[1].replace(/\s/g, ""), "base64");
}
