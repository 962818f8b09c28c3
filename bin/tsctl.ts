import { main } from "../cli/main.js";
import { systemShell } from "../cli/system-shell.js";

// Connections trust the cluster's authority alone. With --use-openssl-ca (see bin/tsctl) and an empty file Node does not read its 140
// public ones first: 20 ms of every command.
process.env["SSL_CERT_FILE"] = "/dev/null";
// Everything written has been flushed. A connection that is still being tried to a host without power would keep the process for two minutes.
void main(process.argv.slice(2), systemShell()).then((code) => process.exit(code));
