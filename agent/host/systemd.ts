// Edge: systemd.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { TallshipError } from "../../lib/errors.js";
import type { DaemonCommand } from "./supervise-script.js";

const run = promisify(execFile);
const UNIT_DIR = "/etc/systemd/system";

/** True when systemd runs this host; a chroot or container that merely has it installed does not count. */
export function hasSystemd(): boolean {
  return existsSync("/run/systemd/system");
}

/** Writes a unit for each daemon, and starts those that do not run now and at each boot. */
export async function startUnits(daemons: readonly DaemonCommand[]): Promise<void> {
  for (const daemon of daemons) await writeFileAtomic(`${UNIT_DIR}/${unitName(daemon)}`, unitText(daemon), 0o644);
  await systemctl("daemon-reload");
  await systemctl("enable", "--now", ...daemons.map(unitName));
}

/** Stops the daemons; containers and etcd run on. */
export async function stopUnits(daemons: readonly DaemonCommand[]): Promise<void> {
  await systemctl("disable", "--now", ...daemons.map(unitName));
}

function unitName({ name }: DaemonCommand): string {
  return `tallship-${name}.service`;
}

/**
 * Only the daemon itself is killed when the unit stops, so that containers and etcd live on; the agent makes cgroups of its own below the unit's.
 */
export function unitText({ name, command }: DaemonCommand): string {
  return `[Unit]
Description=Tallship ${name}
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
ExecStart=${command.map(unitWord).join(" ")}
UnsetEnvironment=NODE_EXTRA_CA_CERTS
Restart=always
RestartSec=200ms
KillMode=process
Delegate=yes
OOMScoreAdjust=-900
LimitNOFILE=1048576
TasksMax=infinity

[Install]
WantedBy=multi-user.target
`;
}

/** A word as systemd reads it: quoted, with its own specifiers and variables taken literally. */
function unitWord(word: string): string {
  return `"${word.replace(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

async function systemctl(...args: readonly string[]): Promise<void> {
  try {
    await run("systemctl", [...args]);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.trim() : String(cause);
    throw new TallshipError("failed_precondition", `systemctl ${args.join(" ")}: ${said}`, { cause });
  }
}
