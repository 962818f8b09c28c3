import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import { HUGEPAGES, type KernelCounts } from "../oci/resources.js";
import type { HostFacts } from "./host-facts.js";

/** Type of the condition of a node that swaps and cannot keep containers from it. */
export const SWAP_CONDITION = "SwapNotLimited";
/** Type of the condition of a node that has huge pages and cannot limit who uses them; also the reason that its pods are told. */
export const HUGEPAGES_CONDITION = "HugepagesNotLimited";

/** What the node's control groups do not count, though the host has it; none where that makes no difference. */
export function limitsConditions(
  { hugepages = {}, hasSwap }: Pick<HostFacts, "hugepages" | "hasSwap">,
  counts: KernelCounts | undefined,
): readonly NodeConditionReport[] {
  const isSwapOpen = hasSwap === true && counts?.swap !== true;
  const areHugepagesOpen = Object.keys(hugepages).length > 0 && counts?.hugepages !== true;
  const told = { status: "True", reason: "NotCounted" } as const;
  return [
    ...(isSwapOpen
      ? [
          {
            type: SWAP_CONDITION,
            message: "the kernel does not count what is swapped out: containers may swap beyond their memory limits",
            ...told,
          },
        ]
      : []),
    ...(areHugepagesOpen ? [{ type: HUGEPAGES_CONDITION, message: NO_HUGETLB, ...told }] : []),
  ];
}

const NO_HUGETLB =
  "the control groups that the runtime uses have no hugetlb: huge pages are reserved for pods, and nothing keeps a container within its limit";

/** What a pod that asks for huge pages is told where its limit does not hold; undefined where it does. */
export function hugepagesNotLimited(
  limits: Readonly<Record<string, string>> | undefined,
  counts: KernelCounts | undefined,
): string | undefined {
  const asked = Object.keys(limits ?? {}).filter((name) => name.startsWith(HUGEPAGES));
  return asked.length === 0 || counts?.hugepages === true ? undefined : `${asked.join(", ")}: ${NO_HUGETLB}`;
}

/** The host's huge pages by the name of the resource, from the folders of /sys/kernel/mm/hugepages and how many pages each has; sizes without any are left out. */
export function hugepagesOf(folders: Readonly<Record<string, number>>): Readonly<Record<string, string>> {
  const found = Object.entries(folders).flatMap(([folder, count]) => {
    const kibibytes = Number(/^hugepages-(\d+)kB$/.exec(folder)?.[1] ?? 0);
    if (kibibytes === 0 || count === 0) return [];
    return [[`${HUGEPAGES}${inUnits(kibibytes)}`, inUnits(kibibytes * count)] as const];
  });
  return Object.fromEntries(found);
}

function inUnits(kibibytes: number): string {
  const units = ["Ki", "Mi", "Gi", "Ti"];
  let [amount, at] = [kibibytes, 0];
  while (amount % 1024 === 0 && at < units.length - 1) [amount, at] = [amount / 1024, at + 1];
  return `${amount}${units[at]}`;
}
