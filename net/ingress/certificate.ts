import { createPrivateKey, X509Certificate } from "node:crypto";

/** What a Secret of type kubernetes.io/tls comes to: chain and key in one PEM, or why it cannot be shown. */
export type ReadCertificate = { readonly pem: string } | { readonly why: string };

/** Reads tls.crt and tls.key of a Secret and sees that they belong together: a proxy refuses everything for one bad file. */
export function readCertificate(values: Readonly<Record<string, Uint8Array>> | undefined): ReadCertificate {
  if (values === undefined) return { why: "there is no such secret" };
  const [chain, key] = ["tls.crt", "tls.key"].map((name) => Buffer.from(values[name] ?? []).toString("utf8"));
  if (chain === undefined || chain.trim() === "") return { why: "it has no tls.crt" };
  if (key === undefined || key.trim() === "") return { why: "it has no tls.key" };
  try {
    if (!new X509Certificate(chain).checkPrivateKey(createPrivateKey(key)))
      return { why: "tls.key is not the key of tls.crt" };
  } catch (error) {
    return { why: `tls.crt or tls.key is no PEM: ${error instanceof Error ? error.message : String(error)}` };
  }
  return { pem: `${chain.trim()}\n${key.trim()}\n` };
}
