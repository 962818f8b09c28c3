import { formatReference, type ImageReference, parseReference } from "../../kinds/image-reference.js";
import type { RegistryCredentials } from "../../kinds/registry-credentials.js";
import { hasCode, TallshipError } from "../../lib/errors.js";
import { limit } from "../../lib/limits.js";
import { Slots } from "../../lib/slots.js";
import type { NamedSpec } from "./images.js";
import { endpointsFor, hostOf, type Mirrors, registryItself } from "./mirrors.js";
import { firstAnswer, type PullEdges } from "./pull-edges.js";
import { pushImage } from "./push-image.js";
import type { RegistryRequest } from "./registry/registry.js";
import type { RegistryDesk } from "./registry/registry-desk.js";
import type { ContentStore } from "./store/content-store.js";

/** What errands take. */
export interface ErrandParts extends PullEdges {
  readonly store: ContentStore;
  readonly desk: RegistryDesk;
  readonly mirrors: () => Mirrors;
}

/** Credentials by registry host. */
export type Logins = Readonly<Record<string, RegistryCredentials>>;

/** A repository of a catalogue. */
export interface FoundRepository {
  /** Registry and path. */
  readonly repository: string;
  readonly tags: readonly string[];
}

/** How an image is sent to a registry. */
export interface PushTerms {
  readonly image: NamedSpec;
  readonly to: string;
  readonly logins: Logins;
  readonly signal: AbortSignal;
  readonly onProgress: (step: string, bytesDone: number, bytesTotal: number) => void;
  readonly tell: (line: string) => void;
}

/** What operators have a node do at registries, beside pulling. Failures: those of Registry and RegistryDesk, not_found. */
export class RegistryErrands {
  private readonly parts: ErrandParts;

  constructor(parts: ErrandParts) {
    this.parts = parts;
  }

  /** What a name stands for at its registry now, or at a mirror: digest of a manifest or an index. */
  async resolve(name: string, logins: Logins, signal: AbortSignal): Promise<string> {
    const { registry, mirrors } = this.parts;
    const reference = parseReference(name);
    const key = reference.digest ?? reference.tag ?? "latest";
    const requests = endpointsFor(mirrors(), reference.host).map((endpoint) => ({
      ...{ endpoint, repository: reference.repository, credentials: logins[hostOf(endpoint)], signal },
    }));
    // Some registries say no digest to HEAD: then the manifest is read and hashed.
    const ask = async (request: RegistryRequest): Promise<string> =>
      (await registry.digestOf(request, key)) ?? (await registry.manifest(request, key)).digest;
    const { value } = await firstAnswer(this.parts, { what: name, requests, ask });
    return value;
  }

  /** Sends an image to the registry of `to`, never to a mirror. */
  async push({ image, to, logins, signal, onProgress, tell }: PushTerms): Promise<void> {
    const { store, desk } = this.parts;
    const reference = parseReference(to);
    const onBytes = (done: number, total: number): void => onProgress("pushing", done, total);
    tell(`The push refers to repository [${formatReference({ ...reference, tag: undefined, digest: undefined })}]`);
    await pushImage(
      { store, desk },
      { image, to: reference, request: this.atRegistry(reference, logins, signal), onBytes, tell },
    );
  }

  /** Repositories of a registry whose name holds the term, with their tags. */
  async *search(
    { registry, term, most }: { readonly registry: string; readonly term: string; readonly most: number },
    logins: Logins,
    signal: AbortSignal,
  ): AsyncGenerator<FoundRepository> {
    const { desk } = this.parts;
    const request = this.atRegistry({ host: registry, repository: "" }, logins, signal);
    const found: string[] = [];
    for await (const repository of desk.repositories(request)) {
      if (repository.includes(term)) found.push(repository);
      if (found.length >= most) break;
    }
    const slots = new Slots(limit("imageParallelPulls"));
    const asked = found.map((repository) =>
      slots.run(signal, () => desk.tags({ ...request, repository })).catch((error: unknown) => tagsWithout(error)),
    );
    for (const [at, repository] of found.entries())
      yield { repository: `${registry}/${repository}`, tags: (await asked[at]) ?? [] };
  }

  private atRegistry(
    { host, repository }: Pick<ImageReference, "host" | "repository">,
    logins: Logins,
    signal: AbortSignal,
  ): RegistryRequest {
    return { endpoint: registryItself(this.parts.mirrors(), host), repository, credentials: logins[host], signal };
  }
}

/** A catalogue names repositories that are empty, or not for everybody: they have no tags to show. */
function tagsWithout(error: unknown): readonly string[] {
  if (hasCode(error, "image_not_found") || hasCode(error, "image_unauthorized")) return [];
  throw error instanceof TallshipError
    ? error
    : new TallshipError("image_pull_failed", String(error), { cause: error });
}
