import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TallshipError } from "../../lib/errors.js";
import { tryRun } from "../../test/kit/shell.js";

/** Docker's programs, wherever they are. */
export interface DockerPrograms {
  /** Folders to put before the search path; empty: they are installed. */
  readonly path: string;
  /** Takes away what was fetched. */
  remove(): void;
}

/** What Docker needs that is not on every host; the rest comes with Tallship's own requirements. */
const PACKAGES = ["docker.io", "containerd", "tini"];

/** Docker as it is installed on the machine; undefined when it is not. */
export function installedDocker(): DockerPrograms | undefined {
  const isThere = ["/usr/sbin/dockerd", "/usr/bin/dockerd"].some((path) => existsSync(path));
  return isThere ? { path: "", remove: () => undefined } : undefined;
}

/**
 * Docker's programs, as installed or else of Debian's packages, unpacked into a folder of their own: nothing is installed, so that no script of a package starts
 * an engine on the machine, which would take its firewall over. Throws one error when they cannot be had.
 */
export async function fetchDocker(): Promise<DockerPrograms> {
  const installed = installedDocker();
  if (installed !== undefined) return installed;
  const folder = mkdtempSync(join(tmpdir(), "bench-docker-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const script = `cd ${folder}; apt-get update -qq >/dev/null 2>&1; apt-get -qq -o APT::Sandbox::User=root download ${PACKAGES.join(" ")} >&2 && for each in *.deb; do dpkg -x $each root || exit 1; done`;
  const { exitCode, stderr } = await tryRun("sh", ["-c", script]);
  if (exitCode !== 0) {
    remove();
    const why = stderr.trim().split("\n").at(-1) ?? "";
    throw new TallshipError("failed_precondition", `compare with Docker Swarm: its packages cannot be had: ${why}`);
  }
  const bins = readdirSync(join(folder, "root/usr")).filter((name) => name === "sbin" || name === "bin");
  return { path: bins.map((name) => join(folder, "root/usr", name)).join(":"), remove };
}
