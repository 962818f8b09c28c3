import { CONTENT_FLAGS, readContents } from "../create/contents.js";
import { nameOf } from "../create/pods.js";
import { createMadeUp } from "../create/write.js";
import { CLUSTER_FLAGS, DRY_RUN_FLAGS } from "../flags.js";
import { WRITTEN_FLAGS } from "../output/printer.js";
import { verb } from "../verb.js";

/** What is no UTF-8 text goes to binaryData. */
export const createConfigMap = verb({
  forms: ["create configmap NAME --from-literal=KEY=VALUE… --from-file=[KEY=]FILE… --from-env-file=FILE…"],
  examples: [
    ["create configmap web --from-file=nginx.conf --from-literal=level=info", "a file and a value"],
    ["create configmap web --from-file=conf.d", "every file of a folder"],
  ],
  flags: {
    ...CONTENT_FLAGS,
    ...DRY_RUN_FLAGS,
    ...WRITTEN_FLAGS,
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: async ({ flags, operands }, shell) => {
    const name = nameOf(operands, "config");
    const entries = [...(await readContents(shell, flags))];
    const texts = entries.filter(([, bytes]) => isText(bytes)).map(([key, bytes]) => [key, bytes.toString("utf8")]);
    const others = entries.filter(([, bytes]) => !isText(bytes)).map(([key, bytes]) => [key, bytes.toString("base64")]);
    return createMadeUp(flags, shell, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name },
      ...(texts.length === 0 ? {} : { data: Object.fromEntries(texts) }),
      ...(others.length === 0 ? {} : { binaryData: Object.fromEntries(others) }),
    });
  },
});

function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes);
}
