import type { Namespace } from "../../proto/gen/tallship/v1/namespace.js";
import type { Secret } from "../../proto/gen/tallship/v1/secret.js";

/** Moves stringData into data, where it wins; nothing else ever sees it. */
export function defaultSecret(secret: Secret): Secret {
  const texts = Object.entries(secret.stringData);
  if (texts.length === 0) return secret;
  const data = { ...secret.data };
  for (const [key, text] of texts) data[key] = Buffer.from(text, "utf8");
  return { ...secret, data, stringData: {} };
}

/** Every namespace can be selected by its name. */
export function defaultNamespace(namespace: Namespace): Namespace {
  const { metadata } = namespace;
  if (metadata === undefined || metadata.name === "" || metadata.labels[NAME_LABEL] === metadata.name) return namespace;
  return { ...namespace, metadata: { ...metadata, labels: { ...metadata.labels, [NAME_LABEL]: metadata.name } } };
}

const NAME_LABEL = "kubernetes.io/metadata.name";
