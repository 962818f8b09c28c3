import type { PathStep } from "../../../kinds/problem.js";
import type { Variables } from "../load/interpolate.js";
import type { FileLookup } from "../load/lookup.js";
import type { Place } from "../load/node.js";
import type { Teller } from "../load/tell.js";
import type { ProjectModel } from "../model/project.js";
import type { ServiceModel } from "../model/service.js";
import { dnsName, PROJECT_LABEL } from "./names.js";
import { at, type Part, type Placed } from "./part.js";

/** A service that takes part, and where it stands. */
export interface ActiveService {
  readonly name: string;
  readonly model: ServiceModel;
  readonly place: Place;
}

/** What translating a project knows. */
export interface ProjectContext {
  readonly name: string;
  readonly model: ProjectModel;
  /** Services whose profile is on, by name. */
  readonly services: ReadonlyMap<string, ActiveService>;
  /** Folder of the project. */
  readonly root: string;
  readonly files: FileLookup;
  readonly tell: Teller;
  readonly variables: Variables;
  /** Folder that the relative paths of a place are seen from. */
  readonly folderOf: (place: Place) => string;
  /** Objects that services share, by kind and name: each is made once. */
  readonly shared: Map<string, Placed>;
}

/** What translating one service knows. */
export interface ServiceContext extends ProjectContext {
  readonly service: ActiveService;
  /** Path of the service in the files. */
  readonly path: readonly PathStep[];
}

/** Says that a field of the service is read and has no effect here, or another one. */
export function noteField(context: ServiceContext, field: string, place: Place, message: string): void {
  context.tell.note(place, [...context.path, field], message);
}

/** An object of the project: its kind, its name as a DNS label, its labels and the rest. */
export function objectOf(
  context: Pick<ProjectContext, "name">,
  { apiVersion = "v1", kind, name, place, labels = {}, annotations }: ObjectHead,
  rest: { readonly [key: string]: Part },
): Placed {
  const metadata = { name: dnsName(name), labels: { [PROJECT_LABEL]: context.name, ...labels }, annotations };
  return at(place, { apiVersion, kind, metadata, ...rest });
}

/** What every object starts with. */
export interface ObjectHead {
  readonly apiVersion?: string;
  readonly kind: string;
  readonly name: string;
  readonly place: Place;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Part;
}

/** Adds an object that several services may use. */
export function share(context: ProjectContext, head: ObjectHead, rest: { readonly [key: string]: Part }): void {
  const key = `${head.kind}/${dnsName(head.name)}`;
  if (!context.shared.has(key)) context.shared.set(key, objectOf(context, head, rest));
}
