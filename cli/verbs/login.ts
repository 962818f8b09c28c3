import { CLUSTER_FLAGS } from "../flags.js";
import { runLogin } from "../images/login.js";
import { verb } from "../verb.js";

/** As docker login, for the pods of a namespace. */
export const login = verb({
  forms: ["login -u NAME --password-stdin [SERVER]"],
  description:
    "The credentials are kept in the secret registry-login of the namespace. Its pods pull with them without naming it; a pod's own imagePullSecrets come first.",
  examples: [["login -u ann --password-stdin reg.example", "the password is read from standard input"]],
  flags: {
    username: { type: "text", short: "u", value: "NAME", summary: "log in as this user" },
    password: { type: "text", short: "p", value: "PASSWORD", summary: "with this password, which others may see" },
    passwordStdin: { type: "switch", summary: "read the password from standard input" },
    ...CLUSTER_FLAGS,
  },
  operands: "words",
  run: runLogin,
});
