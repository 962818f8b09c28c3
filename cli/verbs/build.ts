import { runBuild } from "../build/build.js";
import { CLUSTER_FLAGS } from "../flags.js";
import { verb } from "../verb.js";

/** As docker build; a node of the cluster does the work, and the image is the cluster's then. */
export const build = verb({
  forms: ["build -t NAME [-f FILE] [--build-arg NAME=VALUE]… DIR", "build -t NAME -"],
  description:
    "The folder goes to a node, without what its .dockerignore leaves out, and is built there; layers are kept for later builds. FROM finds images of the cluster, and others through the node's mirrors. The output of the build comes here; Ctrl-C ends it.",
  examples: [
    ["build -t my-ai-model .", "of the folder's Dockerfile"],
    ["build -t app:v2 -f docker/Dockerfile --target web --build-arg VERSION=2 .", "one stage, with a value"],
    ["build -t app --secret id=token,src=token.txt .", "a file for RUN --mount=type=secret,id=token"],
  ],
  flags: {
    tag: { type: "list", short: "t", value: "NAME", summary: "call the image so" },
    file: {
      type: "text",
      short: "f",
      value: "FILE",
      summary: "the Dockerfile; DIR/Dockerfile when absent, - reads it from standard input",
    },
    target: { type: "text", value: "STAGE", summary: "build no further than this stage" },
    buildArg: { type: "list", value: "NAME[=VALUE]", summary: "value of an ARG; the environment's without one" },
    label: { type: "list", value: "NAME=VALUE", summary: "label of the image" },
    secret: {
      type: "list",
      value: "id=NAME,src=FILE",
      summary: "a file, or with env=VARIABLE a value, that steps may read and no layer keeps",
    },
    platform: { type: "text", value: "OS/ARCH", summary: "refuse to build for another platform" },
    network: {
      type: "text",
      value: "NETWORK",
      choices: ["default", "host", "none"],
      summary: "what steps reach: what pods do, their node's own network, or nothing",
    },
    noCache: { type: "switch", summary: "use no layer of an earlier build" },
    pull: { type: "switch", summary: "ask for base images anew" },
    quiet: { type: "switch", short: "q", summary: "print only the image's digest" },
    progress: { type: "text", value: "TYPE", choices: ["auto", "plain"], summary: "the output is plain either way" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runBuild,
});
