import { main } from "../cli/main.js";
import { systemShell } from "../cli/system-shell.js";

process.exitCode = await main(process.argv.slice(2), systemShell());
