import { runCommit } from "../containers/commit.js";
import { MADE_FLAGS } from "../images/made.js";
import { verb } from "../verb.js";

/** As docker commit. What is mounted in the container is no part of the image. */
export const commit = verb({
  forms: ["commit CONTAINER NAME[:TAG]"],
  description:
    "The container runs on meanwhile: stop it first where its files must agree with each other. What it was told otherwise than its image (command, environment, folder, user, ports) the new image has too.",
  examples: [
    ["commit web web:patched", "the container as it is now, as an image of the cluster"],
    ['commit -c \'CMD ["serve", "-v"]\' -c "ENV DEBUG=1" web web:debug', "run otherwise"],
  ],
  flags: {
    author: { type: "text", short: "a", value: "NAME", summary: "who made it" },
    pause: { type: "switch", short: "p", summary: "for docker's sake: nothing is paused" },
    ...MADE_FLAGS,
  },
  operands: "pods",
  run: runCommit,
});
