import { metaOf, type Typed } from "../../../kinds/object.js";
import type { ReadObject } from "../../../kinds/read.js";
import { RUN_AS } from "../../../kinds/run-as.js";
import { START_AFTER } from "../../../kinds/start-after.js";
import { type Container, EnvVar, SecurityContext } from "../../../proto/gen/tallship/v1/container.js";
import { ObjectMeta } from "../../../proto/gen/tallship/v1/meta.js";
import { Pod, type PodTemplateSpec } from "../../../proto/gen/tallship/v1/pod.js";
import { dnsName, ONE_OFF_LABEL, SERVICE_LABEL } from "../translate/names.js";
import { isAliasLabel } from "../translate/network.js";

/** What a run changes of its service's container. */
export interface Overrides {
  /** What runs in place of the service's command; empty: that. */
  readonly command: readonly string[];
  /** In place of the service's entrypoint; its command goes with it. */
  readonly entrypoint: readonly string[] | undefined;
  readonly environment: ReadonlyMap<string, string>;
  readonly labels: Readonly<Record<string, string>>;
  readonly workingDir: string | undefined;
  readonly user: { readonly runAsUser: number; readonly runAsGroup: number | undefined } | string | undefined;
  /** Empty: the server makes one up. */
  readonly name: string;
  /** Answer under the service's names, too. */
  readonly usesAliases: boolean;
  /** Publish the service's ports on the node that runs it. */
  readonly hasPorts: boolean;
  /** Wait for nothing. */
  readonly isAlone: boolean;
  /** The user's input is its own, and ends with it. */
  readonly hasStdin: boolean;
  readonly hasTerminal: boolean;
}

/** The template of a service's pods; undefined when the project has no such service. */
export function templateOf(objects: readonly ReadObject[], service: string): PodTemplateSpec | undefined {
  for (const { typed } of objects) {
    if (typed.kind !== "Deployment" && typed.kind !== "DaemonSet" && typed.kind !== "Job") continue;
    if (metaOf(typed.object).labels[SERVICE_LABEL] === dnsName(service)) return typed.object.spec?.template;
  }
  return undefined;
}

/** One pod of the service that runs once. It does not answer for the service unless it uses its aliases. */
export function oneOffPod(
  template: PodTemplateSpec,
  service: string,
  { namespace, run }: { readonly namespace: string; readonly run: Overrides },
): Typed {
  const meta = metaOf(template);
  const isKept = (label: string): boolean => run.usesAliases || (label !== SERVICE_LABEL && !isAliasLabel(label));
  const labels = Object.fromEntries(Object.entries(meta.labels).filter(([label]) => isKept(label)));
  const annotations = Object.entries(meta.annotations).filter(
    ([name]) => !(run.isAlone && name === START_AFTER) && !(run.user !== undefined && name === RUN_AS),
  );
  if (typeof run.user === "string") annotations.push([RUN_AS, `${dnsName(service)}=${run.user}`]);
  const metadata = ObjectMeta.fromPartial({
    namespace,
    name: run.name,
    generateName: run.name === "" ? `${dnsName(service)}-run-` : "",
    labels: { ...labels, ...run.labels, [ONE_OFF_LABEL]: "True" },
    annotations: Object.fromEntries(annotations),
  });
  // What shares the service's network runs beside the service alone.
  const own = (template.spec?.containers ?? []).filter(({ name }) => name === dnsName(service));
  const containers = own.map((container) => changed(container, run));
  const object = Pod.fromPartial({ metadata, spec: { ...template.spec, restartPolicy: "Never", containers } });
  return { kind: "Pod", object };
}

function runningAs(user: NonNullable<Overrides["user"]>, held: SecurityContext | undefined): SecurityContext {
  // A name counts where no number is given.
  const ids = typeof user === "string" ? { runAsUser: undefined, runAsGroup: undefined } : user;
  return SecurityContext.fromPartial({ ...held, ...ids });
}

function changed(container: Container, run: Overrides): Container {
  const { command, args, env, ports, securityContext } = container;
  const isReplaced = run.entrypoint !== undefined || run.command.length > 0;
  const own = env.filter(({ name }) => !run.environment.has(name));
  return {
    ...container,
    command: run.entrypoint === undefined ? command : [...run.entrypoint],
    args: isReplaced ? [...run.command] : args,
    env: [...own, ...[...run.environment].map(([name, value]) => EnvVar.fromPartial({ name, value }))],
    ports: run.hasPorts ? ports : ports.map((port) => ({ ...port, hostPort: 0 })),
    workingDir: run.workingDir ?? container.workingDir,
    ...(run.hasStdin ? { stdin: true, stdinOnce: !run.hasTerminal } : {}),
    tty: run.hasTerminal || container.tty,
    securityContext: run.user === undefined ? securityContext : runningAs(run.user, securityContext),
  };
}
