// Edge: the node's certificate on disk.
import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { TallshipError } from "../../lib/errors.js";
import type { HostPaths } from "../../lib/host-paths.js";
import { createKey } from "../../lib/pki/keys.js";
import { readCertificate } from "../../lib/pki/read.js";
import { createRequest } from "../../lib/pki/request.js";
import { type Credentials, type MutableCredentials, mutableCredentials } from "../../lib/transport/credentials.js";
import type { Dialer } from "../../lib/transport/service.js";
import { NodesDefinition } from "../../proto/gen/tallship/v1/session.js";

/** What join left on the host. */
export async function readNodeCredentials(paths: HostPaths): Promise<MutableCredentials> {
  const [caPem, certificatePem, keyPem] = await Promise.all(
    [paths.ca, paths.nodeCertificate, paths.nodeKey].map((path) => readPem(path)),
  );
  return mutableCredentials({
    caPem: caPem ?? "",
    pair: { certificatePem: certificatePem ?? "", keyPem: keyPem ?? "" },
  });
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const message = `read ${path}: this host is in no cluster; run tallshipd init or tallshipd join`;
    throw new TallshipError("failed_precondition", message, { cause });
  }
}

/**
 * A new certificate for the same name, with the key that the node has: what the checkpoint sealed by it stays readable. Written before it is used. One that somebody
 * else has written since (`tallshipd join` on a node whose own has expired) is taken instead.
 */
export async function renewNodeCertificate(
  { paths, nodeName, dialer, address }: { paths: HostPaths; nodeName: string; dialer: Dialer; address: string },
  current: Credentials,
): Promise<Credentials> {
  const keyPem = current.pair?.keyPem ?? createKey();
  const written = await readPem(paths.nodeCertificate);
  if (isLater(written, current)) return { caPem: current.caPem, pair: { certificatePem: written, keyPem } };
  const channel = dialer.dial(address);
  try {
    const csr = createRequest(keyPem, nodeName);
    const { certificate, ca } = await channel.client(NodesDefinition).renewCertificate({ csr });
    await writeFileAtomic(paths.nodeCertificate, certificate, 0o600);
    return {
      caPem: ca.length > 0 ? ca.toString() : current.caPem,
      pair: { certificatePem: certificate.toString(), keyPem },
    };
  } finally {
    channel.close();
  }
}

function isLater(certificatePem: string, { pair }: Credentials): boolean {
  if (pair === undefined) return true;
  return readCertificate(certificatePem).notAfterMs > readCertificate(pair.certificatePem).notAfterMs;
}
