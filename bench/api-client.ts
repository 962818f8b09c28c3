import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { decodeObject, encodeObject, type Typed } from "../kinds/object.js";
import { readObjects } from "../kinds/read.js";
import { parseYaml } from "../kinds/yaml/parse.js";
import { checkContextFile } from "../lib/context-file.js";
import { systemClock } from "../lib/system-clock.js";
import { mutableCredentials } from "../lib/transport/credentials.js";
import { grpcDialer } from "../lib/transport/grpc-dialer.js";
import type { Channel, Client } from "../lib/transport/service.js";
import {
  type ApplyRequest,
  type ApplyResponse,
  ObjectsDefinition,
  type Selection,
  WatchEvent_Type,
} from "../proto/gen/tallship/v1/api.js";
import { StreamsDefinition } from "../proto/gen/tallship/v1/streams.js";
import type { Testbed } from "../test/testbed/testbed.js";

/** A client in this process: what it measures holds no start of tsctl. */
export interface ApiClient {
  readonly objects: Client<typeof ObjectsDefinition>;
  readonly streams: Client<typeof StreamsDefinition>;
  /** Applies manifests as `tsctl apply` does: read, checked, sent as one set. */
  apply(manifests: readonly unknown[]): Promise<ApplyResponse>;
  /** Watches and calls for each object as it stands after a change; undefined when it is gone. Returns how to stop, once all that is there was shown. */
  watch(
    selection: Partial<Selection> & { readonly kind: string },
    onChange: (name: string, typed: Typed | undefined) => void,
  ): Promise<() => void>;
  close(): void;
}

/** Connects to the control plane of a testbed, or of any cluster, as its administrator. */
export function apiClient({ configPath }: Pick<Testbed, "configPath">): ApiClient {
  const file = checkContextFile(parse(readFileSync(configPath, "utf8")), configPath);
  const [context] = file.contexts;
  if (context === undefined) throw new Error(`${configPath} holds no context`);
  const credentials = { caPem: context.ca, pair: { certificatePem: context.cert, keyPem: context.key } };
  const channel = grpcDialer({
    credentials: mutableCredentials(credentials),
    serverRole: "control-plane",
    clock: systemClock,
  }).dial(context.servers[0] ?? "");
  const objects = channel.client(ObjectsDefinition);
  return {
    objects,
    streams: channel.client(StreamsDefinition),
    apply: async (manifests) => {
      const response = await objects.apply(requests(manifests));
      const failed = response.results.find(({ outcome }) => outcome === "failed");
      if (failed !== undefined) throw new Error(`apply ${failed.name?.name}: ${failed.message}`);
      return response;
    },
    watch: (selection, onChange) => watch(channel, selection, onChange),
    close: () => channel.close(),
  };
}

async function* requests(manifests: readonly unknown[]): AsyncGenerator<ApplyRequest> {
  const text = manifests.map((manifest) => stringify(manifest)).join("---\n");
  const { objects, problems } = readObjects([parseYaml({ name: "bench", text })], {
    namespace: "default",
    isNamespaceAsked: false,
  });
  if (problems.length > 0) throw new Error(JSON.stringify(problems[0]));
  yield {
    part: {
      $case: "header",
      value: { set: "bench", namespace: "default", manager: "tsctl", dryRun: false, force: false, prune: [] },
    },
  };
  for (const { typed, place } of objects)
    yield { part: { $case: "document", value: { object: Buffer.from(encodeObject(typed)), source: place } } };
}

async function watch(
  channel: Channel,
  selection: Partial<Selection> & { readonly kind: string },
  onChange: (name: string, typed: Typed | undefined) => void,
): Promise<() => void> {
  const over = new AbortController();
  const whole = { namespace: "", labels: "", fields: "", ...selection };
  const responses = channel
    .client(ObjectsDefinition)
    .watch({ selections: [whole], afterRevision: 0, clusterEpoch: "" }, { signal: over.signal });
  await new Promise<void>((resolve, reject) => {
    void (async () => {
      for await (const { events, isSynced } of responses) {
        for (const { type, name, item } of events)
          onChange(
            name?.name ?? "",
            type === WatchEvent_Type.PUT && item !== undefined ? decodeObject(item.object) : undefined,
          );
        if (isSynced) resolve();
      }
    })().catch((error: unknown) => (over.signal.aborted ? undefined : reject(error)));
  });
  return () => over.abort();
}
