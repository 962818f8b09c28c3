// Edge: the firewall's nftables table, and the connections that it forbids.
import { createReadStream } from "node:fs";
import { TallshipError } from "../../lib/errors.js";
import type { Family } from "../family.js";
import type { CoProcess } from "./co-process.js";
import type { FirewallChange, FirewallTable } from "./firewall.js";
import { firewallCommands, firewallReplacement, firewallTable } from "./firewall-text.js";
import { cutLine, ofFamily, parseFlow } from "./flow-text.js";
import type { FirewallElement, TrackedFlow } from "./kernel.js";
import { INTERACTIVE_BYTES, type NftFiles, type NftTools } from "./nft-files.js";
import { hasTable, tableFingerprint } from "./nft-looks.js";
import { ElementReader } from "./nft-parse.js";
import { feed, quoted } from "./shell-script.js";

/** The firewall's table by the same nft as the proxy's, and connection tracking by its tool. */
export class FirewallKernel {
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

  async replaceFirewall(table: FirewallTable): Promise<void> {
    await this.files.load(firewallReplacement(this.family, table), "replace the firewall's table");
  }

  async changeFirewall(changes: readonly FirewallChange[]): Promise<void> {
    const commands = firewallCommands(this.family, changes);
    if (commands.length === 0) return;
    const text = commands.join("; ");
    if (text.length > INTERACTIVE_BYTES) return this.files.load([`${commands.join("\n")}\n`], "change the firewall");
    const said = (await this.nft.request(text)).trim();
    if (said !== "") throw new TallshipError("kernel_failed", `change the firewall: nft: ${said.slice(0, 500)}`);
  }

  hasFirewall(): Promise<boolean> {
    return hasTable(this.nft, firewallTable(this.family));
  }

  firewallFingerprint(): Promise<string> {
    return tableFingerprint({ nft: this.nft, shell: this.shell, files: this.files }, firewallTable(this.family));
  }

  async readFirewall(visit: (element: FirewallElement) => void): Promise<void> {
    await this.files.with(async (path) => {
      await this.shell.request(
        feed(`nft -i > ${quoted(path)} 2>/dev/null`, [`list table ${firewallTable(this.family)}`]),
      );
      const reader = new ElementReader(
        ({ map, key, value }) => visit({ set: map, key, value }),
        (name) => name,
      );
      for await (const piece of createReadStream(path, "utf8")) reader.push(String(piece));
    });
  }

  async readFlows(addresses: readonly string[]): Promise<readonly TrackedFlow[]> {
    if (addresses.length === 0) return [];
    const words = addresses.map((address) => `-e ${quoted(`=${address} `)}`).join(" ");
    const found = await this.shell.request(`conntrack -L${ofFamily(this.family)} 2>/dev/null | grep -F ${words}; true`);
    const wanted = new Set(addresses);
    return found
      .split("\n")
      .flatMap((line) => parseFlow(line) ?? [])
      .filter(({ from, to }) => wanted.has(from) || wanted.has(to));
  }

  async cutFlows(flows: readonly TrackedFlow[]): Promise<void> {
    if (flows.length === 0) return;
    await this.shell.request(`{ ${flows.map(cutLine).join("; ")}; } >/dev/null 2>&1; true`);
  }
}
