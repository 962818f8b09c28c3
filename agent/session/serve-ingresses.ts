import type { Clock } from "../../lib/clock.js";
import { deepEqual } from "../../lib/deep-equal.js";
import type { Log } from "../../lib/log.js";
import type { Rng } from "../../lib/rng.js";
import { NodeIngress, type NodeIngressOptions } from "../../net/ingress/node-ingress.js";
import type { NodeConditionReport } from "../../proto/gen/tallship/v1/session.js";
import { ingressCondition } from "../host/ingress-condition.js";
import type { AddressBook } from "./address-book.js";
import { configReader } from "./config-reader.js";

/** What serving ingresses needs of an agent. */
export interface ServeIngressesParts {
  readonly ingress: Pick<NodeIngressOptions, "proxy" | "site">;
  readonly nodeName: string;
  readonly book: AddressBook;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly log: Log;
  /** Revision from which on changed Secrets are there. */
  readonly configRevision: () => number;
  readonly onApplied: (revision: number) => void;
  /** The node's condition is another one. */
  readonly onCondition: (condition: NodeConditionReport) => void;
}

/** The node's entry for HTTP; certificates are read from the control plane. */
export function serveIngresses(parts: ServeIngressesParts): NodeIngress {
  const { ingress, nodeName, book, clock, rng, log, onApplied } = parts;
  const secrets = configReader(book, parts.configRevision);
  let told: NodeConditionReport | undefined;
  return new NodeIngress({
    ...{ ...ingress, nodeName, clock, rng, onApplied },
    log: log.with({ part: "ingress" }),
    readSecret: async (name, signal) => (await secrets.get("Secret", name, signal))?.values,
    onState: (state) => {
      const condition = ingressCondition(state);
      if (deepEqual(condition, told)) return;
      told = condition;
      parts.onCondition(condition);
    },
  });
}
