// Edge: sockets.
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import type { Clock } from "../clock.js";
import { TallshipError } from "../errors.js";
import { LIMITS } from "../limits.js";
import { pemOf } from "../pki/pem.js";
import { isSignedBy, readCertificate } from "../pki/read.js";
import { identityOfCertificate, type Role } from "./peer-identity.js";

/** Whose authority to ask for. */
export interface PinnedPeer {
  /** host:port. */
  readonly address: string;
  /** The pin that the authority must have, as CertificateFacts has it. */
  readonly pin: string;
  /** The role that the peer's own certificate must have. */
  readonly role: Role;
}

/**
 * The certificate (PEM) of the authority that a peer shows, once it was found to have the pin and to have signed the peer's own. Nothing is sent to the
 * peer but the handshake. Throws unauthenticated when anything differs, unavailable when the peer cannot be reached.
 */
export async function fetchPinnedAuthority(peer: PinnedPeer, clock: Clock): Promise<string> {
  const chain = await shownChain(peer.address, clock);
  const [own, authority] = chain;
  const refused = (why: string): TallshipError =>
    new TallshipError("unauthenticated", `${peer.address} is not believed: ${why}`);
  if (own === undefined || authority === undefined) throw refused("it shows no authority");
  const { pin } = readCertificate(authority);
  if (pin !== peer.pin) throw refused(`its authority has the pin ${pin}, the token says ${peer.pin}`);
  if (!isSignedBy(own, authority, clock.nowMs()))
    throw refused("its certificate is not by its authority, or not valid now: check the clocks");
  const { role } = identityOfCertificate(own);
  if (role !== peer.role) throw refused(`its certificate is of role ${role}, not ${peer.role}`);
  return authority;
}

/** The certificates a peer shows, its own first, PEM. */
function shownChain(address: string, clock: Clock): Promise<readonly string[]> {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at).replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      cancel();
      socket.destroy();
      reject(new TallshipError("unavailable", `${address} cannot be reached: ${why}`));
    };
    const cancel = clock.after(LIMITS.dialMs.value, () => fail(`no answer within ${LIMITS.dialMs.value} ms`));
    // Whom we talk to is judged by the pin, when the chain is known.
    const options = {
      rejectUnauthorized: false,
      minVersion: "TLSv1.3",
      ALPNProtocols: ["h2"],
      servername: "tallship",
    } as const;
    const socket: TLSSocket = connect({ host, port: Number(address.slice(at + 1)), ...options }, () => {
      cancel();
      resolve(pemsOf(socket.getPeerCertificate(true)));
      socket.destroy();
    });
    socket.on("error", (error) => fail(error.message));
  });
}

function pemsOf(first: DetailedPeerCertificate): readonly string[] {
  const pems: string[] = [];
  for (let next: DetailedPeerCertificate | undefined = first; next?.raw !== undefined; ) {
    pems.push(pemOf("CERTIFICATE", next.raw));
    // A certificate that signed itself is its own issuer.
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return pems;
}
