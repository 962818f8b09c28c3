// Edge: the proxy's nftables table, and connection tracking.
import { createReadStream } from "node:fs";
import { TallshipError } from "../../lib/errors.js";
import type { Family } from "../family.js";
import type { CoProcess } from "./co-process.js";
import { forgetLine, ofFamily, parseFlow, traceOf, UNANSWERED } from "./flow-text.js";
import type { FlowFilter, TrackedFlow } from "./kernel.js";
import { INTERACTIVE_BYTES, type NftFiles, type NftTools } from "./nft-files.js";
import { hasTable, tableFingerprint } from "./nft-looks.js";
import { ElementReader } from "./nft-parse.js";
import { changeText, isSet, replacementText, ruleTable } from "./nft-text.js";
import {
  type ElementChange,
  LEARNED_MAPS,
  RULE_MAPS,
  type RuleElement,
  type RuleFrame,
  type RuleMap,
} from "./rules.js";
import { feed, quoted } from "./shell-script.js";

/** Rules by an nft that stays alive: 1 ms a transaction, whatever the size of the table, against 8 with a process each. */
export class RuleKernel {
  private readonly family: Family;
  private readonly nft: CoProcess;
  private readonly shell: CoProcess;
  private readonly files: NftFiles;

  constructor(family: Family, { nft, shell, files }: NftTools) {
    this.family = family;
    this.nft = nft;
    this.shell = shell;
    this.files = files;
  }

  async replaceRules(frame: RuleFrame, elements: Iterable<RuleElement>): Promise<void> {
    await this.files.load(replacementText(frame, elements), "replace the proxy's table");
  }

  async changeElements(changes: readonly ElementChange[]): Promise<void> {
    if (changes.length === 0) return;
    const text = changeText(this.family, changes);
    if (text.length > INTERACTIVE_BYTES)
      return this.files.load([`${text.replaceAll("; ", "\n")}\n`], "change elements");
    const said = (await this.nft.request(text)).trim();
    if (said !== "") throw new TallshipError("kernel_failed", `change elements: nft: ${said.slice(0, 500)}`);
  }

  hasRules(): Promise<boolean> {
    return hasTable(this.nft, ruleTable(this.family));
  }

  ruleFingerprint(): Promise<string> {
    return tableFingerprint({ nft: this.nft, shell: this.shell, files: this.files }, ruleTable(this.family));
  }

  async readElements(maps: readonly RuleMap[], visit: (element: RuleElement) => void): Promise<void> {
    const lists = maps.map((map) => `list ${isSet(map) ? "set" : "map"} ${ruleTable(this.family)} ${map}`);
    await this.files.with(async (path) => {
      await this.shell.request(feed(`nft -i > ${quoted(path)} 2>/dev/null`, lists));
      const reader = new ElementReader(visit, (name) => [...RULE_MAPS, ...LEARNED_MAPS].find((map) => map === name));
      for await (const piece of createReadStream(path, "utf8")) reader.push(String(piece));
    });
  }

  async readTranslated(visit: (flow: TrackedFlow) => void): Promise<void> {
    await this.files.with(async (path) => {
      await this.shell.request(`conntrack -L${ofFamily(this.family)} --dst-nat > ${quoted(path)} 2>/dev/null; true`);
      let rest = "";
      for await (const piece of createReadStream(path, "utf8")) {
        const lines = (rest + String(piece)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const flow = parseFlow(line);
          if (flow !== undefined) visit(flow);
        }
      }
    });
  }

  async forgetFlows(filters: readonly FlowFilter[]): Promise<void> {
    for (const protocol of ["tcp", "udp", "sctp"] as const) {
      const wanted = filters.filter((filter) => filter.protocol === protocol);
      if (wanted.length === 0) continue;
      const traces = [...new Set(wanted.map(traceOf))].map((trace) => `-e ${quoted(trace)}`).join(" ");
      // Most of what a list costs is writing down connections that nobody asks for.
      const only = wanted.every(({ isUnanswered }) => isUnanswered) ? ` ${UNANSWERED}` : "";
      const found = await this.shell.request(
        `conntrack -L${ofFamily(this.family)} -p ${protocol}${only} 2>/dev/null | grep -oF ${traces} | sort -u; true`,
      );
      const present = new Set(found.split("\n").map((line) => line.trim()));
      const lines = wanted
        .filter((filter) => present.has(traceOf(filter).trim()))
        .map((filter) => forgetLine(this.family, filter));
      if (lines.length > 0) await this.shell.request(`{ ${lines.join("; ")}; } >/dev/null 2>&1; true`);
    }
  }
}
