import type { UsageSource } from "../sessions/usage-source.js";
import { autoscaler } from "./autoscaler/autoscaler.js";
import type { Digest } from "./config/copy.js";
import { contestedFronts } from "./contested-fronts.js";
import type { Controller } from "./controller.js";
import { cronJob } from "./cron-job/cron-job.js";
import { daemonSet } from "./daemon-set/daemon-set.js";
import { deletionWatch } from "./deletion-watch.js";
import { deployment } from "./deployment/deployment.js";
import { disruption } from "./disruption/disruption.js";
import { endpoints } from "./endpoints/endpoints.js";
import { ingress } from "./ingress/ingress.js";
import { job } from "./job/job.js";
import { loadBalancer } from "./load-balancer/load-balancer.js";
import { namespace } from "./namespace.js";
import { networkController } from "./network/network-controller.js";
import { type ServiceAddressParts, serviceAddresses } from "./network/service-addresses.js";
import { nodePods } from "./node/node-pods.js";
import { type NodeParts, nodes } from "./node/nodes.js";
import { ownerCollector } from "./owner-collector.js";
import { podCollector } from "./pod-collector.js";
import { podGroup } from "./pod-group.js";
import { queue } from "./queue.js";
import { quota } from "./quota.js";
import { replicaSet } from "./replica-set.js";
import { sctpServices } from "./sctp-services.js";
import { serviceAccount } from "./service-account.js";
import { startOrder } from "./start-order/start-order.js";
import { statefulSet } from "./stateful-set/stateful-set.js";
import { volumeClaims } from "./volumes/claims.js";
import { ephemeralClaims } from "./volumes/ephemeral-claims.js";
import { volumes } from "./volumes/volumes.js";

/** What some controllers know beside the view. Fixed while a replica leads. */
export interface ControllerParts extends NodeParts, ServiceAddressParts {
  /** The leader's host: the node that its replica is named after. */
  readonly leaderName: string;
  /** Names content by a digest that only control planes can compute. */
  readonly digest: Digest;
  /** What pods use. */
  readonly usage: UsageSource;
}

/** Every controller there is; the leader runs them all. A new controller is one file and one line here. */
export function controllers(parts: ControllerParts): readonly Controller[] {
  return [
    deployment(parts.digest),
    replicaSet,
    daemonSet(parts.digest),
    job,
    cronJob,
    endpoints,
    loadBalancer(parts.leaderName),
    networkController,
    serviceAddresses(parts),
    sctpServices,
    contestedFronts,
    ingress,
    disruption,
    nodes(parts),
    nodePods,
    ownerCollector(),
    namespace,
    podCollector,
    podGroup,
    deletionWatch,
    autoscaler(parts.usage),
    queue,
    quota,
    serviceAccount,
    startOrder(),
    statefulSet(parts.digest),
    volumeClaims(),
    ephemeralClaims,
    volumes,
  ];
}
