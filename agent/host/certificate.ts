import { hostname } from "node:os";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { formatContextFile } from "../../lib/context-file.js";
import { TallshipError } from "../../lib/errors.js";
import { systemClock } from "../../lib/system-clock.js";
import { joinCluster } from "./join-client.js";

/** Which certificate, and where to put it. */
export interface CertificatePlan {
  readonly token: string;
  readonly name: string | undefined;
  readonly folder: string;
}

/** Exchanges a token that is not for a host: writes ca.crt, client.crt and client.key, and for administrators a context file. Returns what to tell. */
export async function requestCertificate({
  token,
  name = hostname().toLowerCase(),
  folder,
}: CertificatePlan): Promise<string> {
  const { response, keyPem } = await joinCluster({ token, name, addresses: [] }, systemClock);
  const { role, certificate, ca, config } = response;
  if (role !== "admin" && role !== "metrics")
    throw new TallshipError(
      "invalid_argument",
      `certificate: the token is for role ${role}, and now spent; hosts join with: tallshipd join`,
    );
  await writeFileAtomic(join(folder, "ca.crt"), ca, 0o644);
  await writeFileAtomic(join(folder, "client.key"), keyPem, 0o600);
  await writeFileAtomic(join(folder, "client.crt"), certificate, 0o644);
  const pairTold = `${role} certificate for ${name}: ${join(folder, "client.crt")}`;
  if (role !== "admin") return pairTold;
  const servers = config?.controlPlaneAddresses ?? [];
  const context = { name: "tallship", servers, ca: ca.toString(), cert: certificate.toString(), key: keyPem };
  const path = join(folder, "context.yaml");
  await writeFileAtomic(path, formatContextFile({ current: "tallship", contexts: [context] }), 0o600);
  return `${pairTold}\ntsctl uses it with: export TSCTL_CONFIG=${path}`;
}
