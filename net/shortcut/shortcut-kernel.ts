// Edge: the shortcut's programs and its table, by bpftool, tc and nft in a shell that stays alive.
import { fileURLToPath } from "node:url";
import type { Clock } from "../../lib/clock.js";
import { TallshipError } from "../../lib/errors.js";
import { POD_DEVICE_GROUP } from "../device-names.js";
import { CoProcess } from "../kernel/co-process.js";
import { SHELL_DIALECT } from "../kernel/dialects.js";
import { settingPath } from "../kernel/ip-text.js";
import { feed, quoted, sectionMark, sections } from "../kernel/shell-script.js";
import {
  bareLinkScript,
  endLines,
  linkLines,
  parseIndexes,
  SHORTCUT_TABLE,
  type ShortcutLink,
  shortcutTable,
} from "./shortcut-text.js";

/** The programs, as `npm run shortcut` compiles them; beside this file, and beside the bundle. */
export const SHORTCUT_OBJECT = fileURLToPath(new URL("./shortcut.bpf.o", import.meta.url));

/** What the edge needs. */
export interface ShortcutKernelOptions {
  readonly runDir: string;
  readonly clock: Clock;
  /** Words that enter another network namespace; usually none. */
  readonly enter?: readonly string[];
}

/** The shortcut's part of a kernel. Failures: kernel_failed, with what bpftool, tc or nft said. */
export interface ShortcutKernel {
  /** Loads the programs, marks what may take the shortcut, and opens it on the link. True when the programs are others than before: then no pod's link has them. */
  open(link: ShortcutLink): Promise<boolean>;
  /** Closes it: nothing is marked any more, and the link is without the programs. Those on pods' links have nothing to go by then. */
  close(device: string): Promise<void>;
  /** Has every connection's packets go the long way once, before they may take the shortcut again. */
  forget(): Promise<void>;
  /** Puts the programs on these host's ends of pods' links; those that are gone by now are passed over. */
  attach(ends: readonly string[]): Promise<void>;
  /** The indexes of all host's ends of pods' links, by name. */
  indexes(): Promise<ReadonlyMap<string, number>>;
  /** Ends what runs for this edge; what is in the kernel stays. */
  end(): Promise<void>;
}

/**
 * The programs are pinned on a file system that only this shell sees: it goes with the shell, and the programs stay as long as a device has them. A successor loads its own and puts them
 * in their place; connections go the long way once, and are known again.
 */
export function shortcutKernel({ runDir, clock, enter = [] }: ShortcutKernelOptions): ShortcutKernel {
  const shell = new CoProcess({
    dialect: SHELL_DIALECT,
    enter: [...enter, "unshare", "--mount", "--propagation", "private"],
    clock,
    requestsPerProcess: Number.POSITIVE_INFINITY,
  });
  const folder = `${runDir}/bpf`;
  const pins = `${folder}/shortcut`;
  const maps = `${folder}/maps`;
  let epoch = 0;
  return {
    open: async (link) => {
      const script = [
        `if [ -e ${quoted(`${pins}/from_pod`)} ]; then said=`,
        `else echo anew; said=$(mkdir -p ${quoted(folder)} && mount -t bpf bpf ${quoted(folder)} 2>&1 && bpftool prog loadall ${quoted(SHORTCUT_OBJECT)} ${quoted(pins)} pinmaps ${quoted(maps)} 2>&1) || { echo "::failed"; echo "$said"; }; fi`,
        `[ -e ${quoted(`${pins}/from_pod`)} ] && {`,
        sectionMark("nft"),
        feed("nft -f -", [shortcutTable(link)]),
        // Whoever tracks connections sees some of a connection's packets, and must not take the next one for a stranger's.
        `echo 1 > ${settingPath("net.netfilter.nf_conntrack_tcp_be_liberal")}`,
        `tc qdisc add dev ${link.device} clsact 2>/dev/null`,
        sectionMark("tc"),
        feed("tc -force -batch - 2>&1", linkLines(link, pins).slice(1)),
        "}; true",
      ].join("\n");
      const answer = await shell.request(script);
      const parts = sections(answer);
      const problem = [parts.get("failed"), parts.get("nft"), parts.get("tc")]
        .map((each) => each?.trim())
        .find(Boolean);
      if (problem !== undefined)
        throw new TallshipError("kernel_failed", `open the shortcut: ${problem.slice(0, 500)}`);
      return answer.trimStart().startsWith("anew");
    },
    close: async (device) => {
      await shell.request(`{ nft delete table ${SHORTCUT_TABLE}; ${bareLinkScript(device)}; } 2>/dev/null; true`);
    },
    forget: async () => {
      epoch = (epoch + 1) % 2 ** 32;
      const bytes = [0, 8, 16, 24].map((shift) => ((epoch >>> shift) & 0xff).toString(16)).join(" ");
      const said = await shell.request(
        `[ -e ${quoted(maps)} ] && bpftool map update pinned ${quoted(`${maps}/epoch`)} key hex 0 0 0 0 value hex ${bytes} 2>&1; true`,
      );
      if (said.trim() !== "")
        throw new TallshipError("kernel_failed", `forget shortcuts: ${said.trim().slice(0, 500)}`);
    },
    attach: async (ends) => {
      await shell.request(`${feed("tc -force -batch - >/dev/null 2>&1", endLines(ends, pins))}true`);
    },
    indexes: async () => parseIndexes(await shell.request(`ip -json link show group ${POD_DEVICE_GROUP} 2>/dev/null`)),
    end: () => shell.close(),
  };
}
