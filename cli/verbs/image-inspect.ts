import { CLUSTER_FLAGS } from "../flags.js";
import { runInspect } from "../images/inspect.js";
import { verb } from "../verb.js";

/** As docker image inspect, with the nodes that hold the image. */
export const imageInspect = verb({
  forms: ["image inspect NAME[:TAG]…"],
  flags: {
    format: {
      type: "text",
      short: "f",
      value: "TEMPLATE",
      summary: "a template such as {{.Config.Cmd}} or {{json .Config.Env}}",
    },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runInspect,
});
