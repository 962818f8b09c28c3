import { DEVICES, deviceNameProblem, deviceText, GPU } from "../../../kinds/devices.js";
import { HOST_DEVICES, hostDeviceText } from "../../../kinds/host-devices.js";
import { noteField, type ServiceContext } from "./context.js";
import { dnsName } from "./names.js";
import { at, from, type Part, type Placed } from "./part.js";

/** docker's weight of a container that asks for none, and the share of a core that stands for it here. */
const SHARES_OF_A_CORE = 1024;

/** What the containers reserve and may use: of `deploy.resources`, else of the older fields. */
export function resourceParts(context: ServiceContext): Part {
  const { model } = context.service;
  const { limits, reservations } = model.deploy?.value.resources?.value ?? {};
  const cpus = limits?.value.cpus ?? model.cpus ?? model.cpu_count;
  const memory = limits?.value.memory ?? model.mem_limit;
  const reserved = reservations?.value;
  const shares = from(model.cpu_shares, (count) => `${Math.ceil((count * 1000) / SHARES_OF_A_CORE)}m`);
  const pids = limits?.value.pids ?? model.pids_limit;
  if (pids !== undefined)
    noteField(context, "pids_limit", pids.place, "the number of processes is bounded by the node alone");
  if (reserved?.generic_resources !== undefined)
    noteField(context, "deploy", reserved.generic_resources.place, "generic resources are not known here; use devices");
  const gpus = gpuCount(context);
  const most = {
    cpu: from(cpus, cpuText),
    memory: from(memory, String),
    ...(gpus === undefined ? {} : { [GPU]: gpus }),
  };
  const least = {
    cpu: from(reserved?.cpus, cpuText) ?? shares,
    memory: from(reserved?.memory ?? model.mem_reservation, String),
  };
  const hasMost = Object.values(most).some((each) => each !== undefined);
  // A limit without a reservation reserves nothing in docker; Kubernetes would reserve it whole.
  const floor = { cpu: most.cpu === undefined ? undefined : "0", memory: most.memory === undefined ? undefined : "0" };
  const requests = { cpu: least.cpu ?? floor.cpu, memory: least.memory ?? floor.memory };
  const hasLeast = Object.values(requests).some((each) => each !== undefined);
  if (!hasMost && !hasLeast) return undefined;
  return { limits: hasMost ? most : undefined, requests: hasLeast ? requests : undefined };
}

function cpuText(cores: number): string {
  return `${Math.round(cores * 1000)}m`;
}

/** The annotations that name the GPUs that a service asks for by id, as its node calls them, and devices by their paths. */
export function deviceParts(context: ServiceContext): Readonly<Record<string, Placed>> {
  const { gpus } = context.service.model;
  const ids = [...reservedGpus(context).ofGpu, ...(gpus?.value ?? [])].flatMap(
    ({ value }) => value.device_ids?.value ?? [],
  );
  for (const { value, place } of ids) {
    const wrong = deviceNameProblem(value);
    if (wrong !== undefined) context.tell.problem(place, [...context.path, "device_ids"], wrong);
  }
  const { devices } = context.service.model;
  const container = dnsName(context.service.name);
  const paths = (devices?.value ?? []).map(({ value }) => hostDeviceText({ container, ...value }));
  const [first] = ids;
  return {
    ...(first === undefined
      ? {}
      : { [DEVICES]: at(first.place, ids.map(({ value }) => deviceText({ kind: GPU, name: value })).join(",")) }),
    ...(devices === undefined || paths.length === 0 ? {} : { [HOST_DEVICES]: at(devices.place, paths.join(",")) }),
  };
}

function reservedGpus({ service: { model } }: ServiceContext) {
  const devices = model.deploy?.value.resources?.value.reservations?.value.devices?.value ?? [];
  const ofGpu = devices.filter(({ value }) => value.capabilities?.value.some((one) => one.value === "gpu") === true);
  return { devices, ofGpu };
}

/** GPUs asked for, as the resource that nodes with such devices offer. */
function gpuCount(context: ServiceContext): Part {
  const { gpus } = context.service.model;
  const { devices, ofGpu } = reservedGpus(context);
  for (const { place, value } of devices)
    if (!ofGpu.some((one) => one.value === value))
      noteField(context, "deploy", place, "only devices with the capability gpu can be reserved");
  const asked = [...ofGpu, ...(gpus?.value ?? [])];
  if (asked.length === 0 && gpus === undefined) return undefined;
  const place = asked[0]?.place ?? gpus?.place ?? context.service.place;
  let sum = 0;
  for (const { value, place: each } of asked) {
    const count = Number(
      value.count?.value ?? (value.device_ids === undefined ? "all" : value.device_ids.value.length),
    );
    if (Number.isNaN(count))
      noteField(context, "deploy", each, "all GPUs of a node cannot be asked for: one is reserved; write count");
    sum += Number.isNaN(count) ? 1 : count;
  }
  if (asked.length === 0)
    noteField(context, "gpus", place, "all GPUs of a node cannot be asked for: one is reserved; write count");
  return at(place, String(Math.max(1, sum)));
}
