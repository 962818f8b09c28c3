import { runTestbedCommand } from "../test/testbed/command.js";
import { runForwarder } from "../test/testbed/forwarder.js";

const [verb, target] = process.argv.slice(2);
if (verb === "forward" && target !== undefined) runForwarder(target);
else process.exitCode = await runTestbedCommand(process.argv.slice(2));
