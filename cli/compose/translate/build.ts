import type { Place } from "../load/node.js";
import type { ProjectModel } from "../model/project.js";
import type { BuildModel, ServiceModel } from "../model/service.js";
import { noteField, type ServiceContext } from "./context.js";

/** How the image of a service is built. */
export interface ServiceBuild {
  readonly service: string;
  /** As they are written. */
  readonly names: readonly string[];
  readonly context: string;
  /** Path of the Dockerfile; undefined: the context's, or the one written in the file. */
  readonly dockerfile: string | undefined;
  readonly inline: string | undefined;
  readonly target: string;
  readonly network: string;
  /** NAME=value, or NAME for what the environment says. */
  readonly args: readonly string[];
  readonly labels: readonly string[];
  readonly noCache: boolean;
  readonly pull: boolean;
}

/** The image of a service; one that is built and has no name is called as docker calls it. */
export function imageOf(project: string, service: string, { image, build }: ServiceModel): ServiceModel["image"] {
  return image ?? (build === undefined ? undefined : { value: `${project}-${service}`, place: build.place });
}

/** Every service of the project that is built. `resolve` says where a path leads that stands at a place. */
export function serviceBuilds(
  { services }: ProjectModel,
  project: string,
  resolve: (place: Place, path: string) => string,
): readonly ServiceBuild[] {
  return [...(services?.value ?? [])].flatMap(([service, { value: model }]) => {
    const { build } = model;
    const image = imageOf(project, service, model);
    if (build === undefined || image === undefined) return [];
    const { context, dockerfile, dockerfile_inline: inline, tags, ...rest } = build.value;
    const folder = resolve(context?.place ?? build.place, context?.value ?? ".");
    const names = [image.value, ...(tags?.value ?? []).map(({ value }) => value)];
    return [
      {
        service,
        names: [...new Set(names)],
        context: folder,
        dockerfile: dockerfile === undefined ? undefined : pathIn(folder, dockerfile.value),
        inline: inline?.value,
        target: rest.target?.value ?? "",
        network: rest.network?.value ?? "",
        args: pairsOf(rest.args),
        labels: pairsOf(rest.labels),
        noCache: rest.no_cache?.value ?? false,
        pull: rest.pull?.value ?? false,
      },
    ];
  });
}

function pathIn(folder: string, path: string): string {
  return path.startsWith("/") ? path : `${folder}/${path}`;
}

function pairsOf(pairs: BuildModel["args"]): readonly string[] {
  return [...(pairs?.value ?? [])].map(([name, { value }]) => (value === undefined ? name : `${name}=${value}`));
}

/** Fields of `build` that are read and have no effect. */
const UNHONOURED = [
  ...["additional_contexts", "cache_from", "cache_to", "entitlements", "extra_hosts", "isolation", "platforms"],
  ...["privileged", "provenance", "sbom", "secrets", "shm_size", "ssh", "ulimits"],
];

/** Names what of a build has no effect. */
export function noteBuild(context: ServiceContext): void {
  const { build } = context.service.model;
  for (const [field, found] of Object.entries(build?.value ?? {}))
    if (found !== undefined && UNHONOURED.includes(field))
      noteField(context, "build", found.place, `accepted, not enforced: ${field}: builds here do without`);
}
