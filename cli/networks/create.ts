import type { JsonObject } from "../../kinds/encode.js";
import { isIpv4 } from "../../kinds/ip.js";
import { encodeObject, metaOf } from "../../kinds/object.js";
import { CreateRequest } from "../../proto/gen/tallship/v1/api.js";
import { type ClusterFlags, withCluster } from "../cluster.js";
import { madeUp } from "../create/write.js";
import { EXIT } from "../exit-codes.js";
import { objectOf } from "../objects.js";
import type { Shell } from "../shell.js";
import { usageError } from "../verb.js";

/** What `network create` was asked. */
export interface NetworkCreateFlags extends ClusterFlags {
  readonly driver: string | undefined;
  readonly subnet: readonly string[];
  readonly ipv6: boolean;
  readonly internal: boolean;
  readonly encrypted: boolean;
  readonly opt: readonly string[];
  readonly label: readonly string[];
}

/** Makes a network and prints its id, as docker does. */
export function runNetworkCreate(
  { flags, operands }: { readonly flags: NetworkCreateFlags; readonly operands: readonly string[] },
  shell: Shell,
): Promise<number> {
  const [name, ...more] = operands;
  if (name === undefined || more.length > 0) throw usageError("name one network");
  return withCluster(shell, flags, async ({ objects, namespace }) => {
    const wanted = madeUp(networkObject(name, flags), namespace);
    const request = CreateRequest.fromPartial({ object: Buffer.from(encodeObject(wanted)) });
    const { object } = objectOf(await objects.create(request, { signal: shell.signal }));
    await shell.stdout.write(`${metaOf(object).uid.replaceAll("-", "")}\n`);
    return EXIT.ok;
  });
}

/** The object that docker's options mean. */
export function networkObject(name: string, flags: NetworkCreateFlags): JsonObject {
  const options = new Map(flags.opt.map(pair));
  const vni = options.get("com.docker.network.driver.overlay.vxlanid_list");
  const strange = [...options.keys()].find((key) => key !== "encrypted" && !key.endsWith(".vxlanid_list"));
  if (strange !== undefined) throw usageError(`--opt ${strange} is not supported: encrypted is`);
  return {
    apiVersion: "tallship.dev/v1",
    kind: "Network",
    metadata: { name, labels: Object.fromEntries(flags.label.map(pair)) },
    spec: {
      ...(flags.driver === undefined ? {} : { driver: flags.driver }),
      ...rangesOf(flags.subnet),
      ...(flags.ipv6 ? { ipFamilyPolicy: "RequireDualStack" } : {}),
      ...(flags.internal ? { internal: true } : {}),
      ...(flags.encrypted || isOn(options.get("encrypted")) ? { encrypted: true } : {}),
      ...(vni === undefined ? {} : { vni: Number(vni) }),
    },
  };
}

/** One range of IPv4 is a network's subnet, as in manifests of before. */
function rangesOf(subnets: readonly string[]): JsonObject {
  const [subnet, ...more] = subnets;
  if (subnet === undefined) return {};
  return more.length === 0 && isIpv4(subnet.split("/")[0] ?? "") ? { subnet } : { subnets: [...subnets] };
}

/** As docker's: the option alone turns it on. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== "false" && value !== "0";
}

function pair(text: string): readonly [string, string] {
  const equals = text.indexOf("=");
  return equals === -1 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}
