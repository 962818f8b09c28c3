import { encodeObject, type Typed } from "../../kinds/object.js";
import { KINDS, type KindName } from "../../kinds/registry.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { UpdateRequest } from "../../proto/gen/tallship/v1/api.js";
import { type Cluster, type ClusterFlags, withCluster } from "../cluster.js";
import { EXIT } from "../exit-codes.js";
import { eachOf, getObject, keyIn } from "../objects.js";
import type { Shell } from "../shell.js";
import { objectText, readTargets, refText } from "../targets.js";
import { toldAlready, usageError } from "../verb.js";

/** What `scale` was asked. */
export interface ScaleFlags extends ClusterFlags {
  readonly replicas: number | undefined;
  readonly currentReplicas: number | undefined;
}

/** Kinds that have a number of replicas. */
type Scalable = "Deployment" | "ReplicaSet";

function isScalable(kind: KindName): kind is Scalable {
  return kind === "Deployment" || kind === "ReplicaSet";
}

/** Scales each object named; goes on after a failure. */
export async function runScale(
  { flags, operands }: { readonly flags: ScaleFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const { replicas } = flags;
  if (replicas === undefined) throw usageError("say how many: --replicas=N");
  const targets = readTargets(operands).map(({ kind, names }) => {
    if (!isScalable(kind)) throw usageError(`${KINDS[kind].plural} cannot be scaled, only deployments and replicasets`);
    if (names.length === 0) throw usageError(`name the ${KINDS[kind].plural} to scale`);
    return { kind, names };
  });
  const named = targets.flatMap(({ kind, names }) => names.map((name) => ({ kind, name })));
  return withCluster(shell, flags, async (cluster) => {
    const failures = await eachOf(named, async ({ kind, name }) => {
      await scaleOne(cluster, shell, { kind, name, replicas, only: flags.currentReplicas });
      await shell.stdout.write(`${refText(kind, name)} scaled\n`);
    });
    for (const failure of failures) await shell.stderr.write(`error: ${failure.message}\n`);
    const [first] = failures;
    if (first !== undefined) throw toldAlready(first.code);
    return EXIT.ok;
  });
}

interface Wish {
  readonly kind: Scalable;
  readonly name: string;
  readonly replicas: number;
  /** Only if this many are wanted now. */
  readonly only: number | undefined;
}

/** Tries a write that lost a race again, on what is there by then. */
const TRIES = 5;
const AGAIN_MS = 50;

async function scaleOne(cluster: Cluster, shell: Shell, wish: Wish): Promise<void> {
  const key = keyIn(wish.kind, cluster.namespace, wish.name);
  for (let attempt = 1; ; attempt += 1) {
    const object = await getObject(cluster, key, shell.signal);
    const now = object.spec?.replicas ?? 0;
    if (wish.only !== undefined && now !== wish.only)
      throw new TallshipError(
        "failed_precondition",
        `scale ${objectText(key.kind, key.namespace, key.name)}: ${now} replicas are wanted now, not ${wish.only}`,
      );
    if (now === wish.replicas) return;
    const typed = withReplicas({ kind: wish.kind, object } as Typed<Scalable>, wish.replicas); // getObject checks the kind.
    try {
      await cluster.objects.update(UpdateRequest.fromPartial({ object: Buffer.from(encodeObject(typed)) }), {
        signal: shell.signal,
      });
      return;
    } catch (error) {
      if (!hasCode(error, "version_conflict") || attempt === TRIES) throw error;
      // The replica that is asked next may not have seen the other write yet.
      await shell.clock.sleep(AGAIN_MS * attempt, shell.signal);
    }
  }
}

function withReplicas(typed: Typed<Scalable>, replicas: number): Typed {
  const { kind, object } = typed;
  if (object.spec === undefined) return typed;
  return { kind, object: { ...object, spec: { ...object.spec, replicas } } } as Typed; // Only the number differs.
}
