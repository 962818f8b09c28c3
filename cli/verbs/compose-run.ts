import { RUN_FLAGS, runComposeRun } from "../compose/command/run.js";
import { verb } from "../verb.js";

/** The container's exit code is passed on. */
export const composeRun = verb({
  forms: ["compose [-f FILE…] [-p NAME] run [-d] [--rm] [-e NAME=VALUE]… SERVICE [COMMAND…]"],
  description:
    "What the service depends on is started first. The container has no published ports and does not answer under the service's name, unless asked to;\nCtrl-C removes it.",
  examples: [
    ["compose run --rm web ./manage.py migrate", "one command with the image, the environment and the volumes of web"],
  ],
  flags: RUN_FLAGS,
  operands: "words",
  takesCommand: true,
  run: runComposeRun,
});
