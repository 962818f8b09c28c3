import { CONTENT_FLAGS } from "../create/contents.js";
import { secretContents } from "../create/secret.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** Three forms, each with flags of its own. */
export const createSecret = verb({
  forms: [
    "create secret generic NAME --from-literal=KEY=VALUE… --from-file=[KEY=]FILE… --from-env-file=FILE…",
    "create secret docker-registry NAME --docker-server=HOST --docker-username=NAME --docker-password=…",
    "create secret tls NAME --cert=FILE --key=FILE",
  ],
  examples: [["create secret generic db --from-literal=password=x", "one value"]],
  flags: {
    ...CONTENT_FLAGS,
    type: { type: "text", value: "TYPE", summary: "generic: type of the secret; Opaque when absent" },
    dockerServer: { type: "text", value: "HOST", summary: "docker-registry: the registry; Docker's own when absent" },
    dockerUsername: { type: "text", value: "NAME", summary: "docker-registry: the user" },
    dockerPassword: { type: "text", value: "TEXT", summary: "docker-registry: the password" },
    dockerEmail: { type: "text", value: "ADDRESS", summary: "docker-registry: the user's address" },
    cert: { type: "text", value: "FILE", summary: "tls: certificate, PEM" },
    key: { type: "text", value: "FILE", summary: "tls: its key, PEM" },
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const { name, type, contents } = await secretContents(flags, operands, shell);
    const entries = [...contents].map(([key, bytes]) => [key, bytes.toString("base64")]);
    return createMadeUp(flags, shell, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name },
      ...(type === undefined ? {} : { type }),
      ...(entries.length === 0 ? {} : { data: Object.fromEntries(entries) }),
    });
  },
});
