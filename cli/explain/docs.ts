import schemaDocs from "../../proto/gen/schema-docs.json" with { type: "json" };

/** The shape of proto/gen/schema-docs.json: the schema with its comments, as protobufjs writes it. */
interface RawMessage {
  readonly comment?: string | null;
  readonly fields?: Readonly<Record<string, { readonly comment?: string | null }>>;
}

/** What the schema says of a message; empty when it says nothing. */
export function messageDoc(messageName: string): string {
  return rawMessage(messageName)?.comment ?? "";
}

/** What the schema says of a field. */
export function fieldDoc(messageName: string, field: string): string {
  return rawMessage(messageName)?.fields?.[field]?.comment ?? "";
}

function rawMessage(name: string): RawMessage | undefined {
  // The generated file has one entry per message; its inferred type knows each by name, this code knows none.
  const messages = schemaDocs.nested.v1.nested as unknown as Readonly<Record<string, RawMessage>>;
  return Object.hasOwn(messages, name) ? messages[name] : undefined;
}
