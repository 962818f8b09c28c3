import { durationText } from "../../kinds/age.js";
import { VERSION } from "../../lib/build-info.js";
import { rfc3339 } from "../../lib/clock.js";
import type { ClusterContext } from "../../lib/context-file.js";
import { asTallshipError } from "../../lib/errors.js";
import { LIMITS } from "../../lib/limits.js";
import { readCertificate } from "../../lib/pki/read.js";
import { ClusterDefinition, InfoRequest, type InfoResponse } from "../../proto/gen/tallship/v1/api.js";
import { ExplainDefinition, NetCheckRequest } from "../../proto/gen/tallship/v1/explain.js";
import { type ContextFlags, chooseContext } from "../context.js";
import { EXIT } from "../exit-codes.js";
import type { Shell } from "../shell.js";

/** What one check found. */
interface Finding {
  readonly isGood: boolean;
  readonly what: string;
  readonly evidence: string;
  /** What to do; empty when nothing is to be done. */
  readonly remedy: string;
}

/** Checks context file, certificate and every server; each line has its evidence, each bad one its remedy. Exit code 1 when one is bad. */
export async function runDoctor({ flags }: { readonly flags: ContextFlags }, shell: Shell): Promise<number> {
  const findings: Finding[] = [];
  const context = await checkContext(shell, flags, findings);
  if (context !== undefined) {
    findings.push(checkCertificate(context, shell.clock.nowMs()));
    const servers = await Promise.all(context.servers.map((server) => checkServer(shell, context, server)));
    findings.push(...servers);
    const answers = context.servers.find((_server, at) => servers[at]?.isGood === true);
    if (answers !== undefined) findings.push(...(await checkNetwork(shell, context, answers)));
  }
  for (const { isGood, what, evidence, remedy } of findings) {
    await shell.stdout.write(`${isGood ? "ok  " : "BAD "} ${what}: ${evidence}\n`);
    if (remedy !== "") await shell.stdout.write(`     ${remedy}\n`);
  }
  return findings.every(({ isGood }) => isGood) ? EXIT.ok : EXIT.failed;
}

async function checkContext(
  shell: Shell,
  flags: ContextFlags,
  findings: Finding[],
): Promise<ClusterContext | undefined> {
  try {
    const context = await chooseContext(shell, flags);
    const evidence = `"${context.name}" with servers ${context.servers.join(", ")}`;
    findings.push({ isGood: true, what: "context", evidence, remedy: "" });
    return context;
  } catch (error) {
    const remedy = "copy /etc/tallship/admin.yaml of a control plane to ~/.tallship/config, or set TSCTL_CONFIG";
    findings.push({ isGood: false, what: "context", evidence: asTallshipError(error).message, remedy });
    return undefined;
  }
}

function checkCertificate(context: ClusterContext, nowMs: number): Finding {
  const what = "certificate";
  try {
    const { subject, notBeforeMs, notAfterMs } = readCertificate(context.cert);
    const who = `${subject.name} (${subject.organization})`;
    if (nowMs < notBeforeMs)
      return {
        isGood: false,
        what,
        evidence: `${who} is valid only from ${rfc3339(notBeforeMs)}`,
        remedy: "set this machine's clock",
      };
    if (nowMs >= notAfterMs)
      return {
        isGood: false,
        what,
        evidence: `${who} expired at ${rfc3339(notAfterMs)}`,
        remedy: "copy a fresh /etc/tallship/admin.yaml of a control plane",
      };
    return { isGood: true, what, evidence: `${who}, valid for ${durationText(notAfterMs - nowMs)}`, remedy: "" };
  } catch (error) {
    return { isGood: false, what, evidence: asTallshipError(error).message, remedy: "copy a whole context file" };
  }
}

async function checkServer(shell: Shell, context: ClusterContext, server: string): Promise<Finding> {
  const what = `server ${server}`;
  const startedAtMs = shell.clock.monotonicMs();
  const channel = (await shell.dialer(context)).dial(server);
  try {
    const options = { deadlineMs: LIMITS.dialMs.value, signal: shell.signal };
    const info = await channel.client(ClusterDefinition).info(InfoRequest.fromPartial({}), options);
    return serverFinding(what, info, shell.clock.monotonicMs() - startedAtMs);
  } catch (error) {
    const { message, code } = asTallshipError(error);
    const remedy =
      code === "unauthenticated"
        ? "the context file is of another cluster, or the cluster was made anew: copy its admin.yaml"
        : "run tallshipd doctor on that host; is its port open from here?";
    return { isGood: false, what, evidence: message, remedy };
  } finally {
    channel.close();
  }
}

/** What nodes have found on their ways to each other; nothing where a server does not tell, or there is one node. */
async function checkNetwork(shell: Shell, context: ClusterContext, server: string): Promise<readonly Finding[]> {
  const channel = (await shell.dialer(context)).dial(server);
  try {
    const options = { deadlineMs: LIMITS.dialMs.value, signal: shell.signal };
    const { pairs } = await channel.client(ExplainDefinition).netCheck(NetCheckRequest.fromPartial({}), options);
    if (pairs.length === 0) return [];
    const faults = pairs.flatMap(({ from, path }) => {
      const { peer = "", fault = "", networks = [] } = path ?? {};
      const all = [{ fault, by: "" }, ...networks.map((each) => ({ fault: each.fault, by: ` by ${each.network}` }))];
      return all.flatMap((each) => (each.fault === "" ? [] : [`${each.fault} from ${from} to ${peer}${each.by}`]));
    });
    const [first] = faults;
    const what = "network";
    if (first === undefined)
      return [
        { isGood: true, what, evidence: `nothing is at fault on ${pairs.length} ways between nodes`, remedy: "" },
      ];
    const evidence = `${faults.length} of ${pairs.length} ways between nodes are at fault: ${first}`;
    return [{ isGood: false, what, evidence, remedy: "tsctl net check tells of all" }];
  } catch {
    return []; // An older server, or no leader: that is told of the server.
  } finally {
    channel.close();
  }
}

function serverFinding(what: string, info: InfoResponse, tookMs: number): Finding {
  const evidence = `version ${info.version}, leader ${info.leaderAddress || "none"}, answered in ${Math.round(tookMs)} ms`;
  if (info.leaderAddress === "")
    return {
      isGood: false,
      what,
      evidence,
      remedy: "no control plane leads: is etcd running? (tallshipd doctor there)",
    };
  const remedy = info.version === VERSION ? "" : `tsctl is version ${VERSION}: use the same`;
  return { isGood: true, what, evidence, remedy };
}
