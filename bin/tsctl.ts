import { main } from "../cli/main.js";
import { systemShell } from "../cli/system-shell.js";

// Connections trust the cluster's authority alone. With --use-openssl-ca (see bin/tsctl) and an empty file Node does not read its 140
// public ones first: 20 ms of every command.
process.env["SSL_CERT_FILE"] = "/dev/null";
process.exitCode = await main(process.argv.slice(2), systemShell());
