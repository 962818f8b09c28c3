import { parseYaml } from "../../kinds/yaml/parse.js";
import type { ParsedYaml } from "../../kinds/yaml/parsed.js";
import type { Source, SourceSpan } from "../../kinds/yaml/source.js";
import type { TreeNode } from "../../kinds/yaml/tree.js";

/**
 * Every text that a kustomization is made of, as one source: each has a range of offsets of its own, so that an object put together from several
 * files still tells of each of its parts where it stands.
 */
export class Sources {
  private readonly spans: SourceSpan[] = [];
  private next = 0;
  /** What problems name as their source. */
  readonly whole: Source = { name: "", text: "", spans: this.spans };

  /** Reads a text; the places in what it gives are those of `whole`. */
  parse(name: string, text: string): ParsedYaml {
    const start = this.next;
    this.next += text.length + 1;
    const source = { name, text };
    this.spans.push({ start, source });
    const { documents, problems } = parseYaml(source);
    return {
      source: this.whole,
      documents: documents.map((node) => shifted(node, start)),
      problems: problems.map((problem) => ({ ...problem, source: this.whole, at: problem.at + start })),
    };
  }

  /** The place of the text that was read last. */
  get startOfLast(): number {
    return this.spans.at(-1)?.start ?? 0;
  }

  /** How many texts were read. */
  get count(): number {
    return this.spans.length;
  }
}

function shifted(node: TreeNode, by: number): TreeNode {
  const at = node.at + by;
  if (node.is === "scalar") return { ...node, at };
  if (node.is === "list") return { ...node, at, items: node.items.map((item) => shifted(item, by)) };
  const entries = node.entries.map((entry) => ({ ...entry, at: entry.at + by, value: shifted(entry.value, by) }));
  return { ...node, at, entries };
}
