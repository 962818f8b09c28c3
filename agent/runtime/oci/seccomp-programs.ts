// Edge: compiles seccomp profiles by the runtime itself.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Launcher } from "../../launcher/launcher.js";
import { shellWords } from "../../launcher/shell-words.js";
import type { OciSeccomp, OciSpec } from "../../oci/oci-types.js";

/** crun takes a program in place of the profile under this annotation; runc does not know it and compiles the profile. */
const ANNOTATION = "run.oci.seccomp_bpf_data";

/** What compiling needs. */
export interface SeccompOptions {
  /** Folder for a container that never runs, and for the programs. */
  readonly folder: string;
  readonly runtime: string;
  /** Group above all pods' groups. */
  readonly cgroupParent: string;
  readonly launcher: Launcher;
}

/**
 * Puts compiled seccomp programs into specs. libseccomp needs 12 ms of CPU for the default profile, more than all else in a container's
 * creation; so crun compiles each profile once, in a container that is never started, and the program that it leaves in its state is used
 * from then on. What cannot be compiled so is left to the runtime, as it always could.
 */
export class SeccompPrograms {
  private readonly options: SeccompOptions;
  private readonly programs = new Map<string, Promise<string>>();

  constructor(options: SeccompOptions) {
    this.options = options;
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  }

  /** The spec with its profile compiled; the same spec when it has none or it cannot be compiled beforehand. */
  async compiled(spec: OciSpec): Promise<OciSpec> {
    const profile = spec.linux.seccomp;
    if (profile === undefined) return spec;
    const key = createHash("sha256").update(JSON.stringify(profile)).digest("hex").slice(0, 32);
    const program = await this.program(key, profile);
    if (program === "") return spec;
    const { defaultAction } = profile;
    const seccomp = { defaultAction, architectures: [], syscalls: [] };
    return {
      ...spec,
      linux: { ...spec.linux, seccomp },
      annotations: { ...spec.annotations, [ANNOTATION]: program },
    };
  }

  private program(key: string, profile: OciSeccomp): Promise<string> {
    const known = this.programs.get(key);
    if (known !== undefined) return known;
    const compiling = this.compile(key, profile);
    this.programs.set(key, compiling);
    return compiling;
  }

  /** The program in base64; empty when the runtime did not leave one. */
  private async compile(key: string, profile: OciSeccomp): Promise<string> {
    const { folder, runtime, launcher } = this.options;
    const file = `${folder}/${key}.bpf`;
    const kept = readProgram(file);
    if (kept !== "") return kept;
    const bundle = `${folder}/${key}`;
    const root = `${folder}/state`;
    mkdirSync(`${bundle}/root/dev`, { recursive: true, mode: 0o700 });
    writeFileSync(`${bundle}/root/true`, "", { mode: 0o755 }); // The runtime looks for the command when it creates.
    writeFileSync(
      `${bundle}/config.json`,
      JSON.stringify(emptySpec(profile, `${this.options.cgroupParent}/tallship/seccomp`)),
    );
    const crun = [runtime, `--root=${root}`];
    const create = shellWords([...crun, "create", "--bundle", bundle, key]);
    const copy = shellWords(["cp", `${root}/${key}/seccomp.bpf`, `${file}.tmp`]);
    const remove = shellWords([...crun, "delete", "--force", key]);
    await launcher.run(`${remove} 2>/dev/null; ${create} && ${copy}; ${remove}`);
    const program = readProgram(`${file}.tmp`);
    if (program !== "") renameSync(`${file}.tmp`, file);
    rmSync(bundle, { recursive: true, force: true });
    return program;
  }
}

function readProgram(file: string): string {
  try {
    return readFileSync(file).toString("base64");
  } catch {
    return "";
  }
}

/** A container of nothing that is created and deleted, never started. */
function emptySpec(seccomp: OciSeccomp, cgroupsPath: string): unknown {
  return {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["/true"], cwd: "/", noNewPrivileges: true },
    root: { path: "root", readonly: true },
    mounts: [],
    linux: { namespaces: [{ type: "mount" }, { type: "pid" }], cgroupsPath, seccomp },
  };
}
