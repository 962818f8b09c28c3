import { dirname, join } from "node:path";
import type { Testbed } from "../test/testbed/testbed.js";

/** A pod's container as the agent made it, to be made again without Tallship. */
export interface Template {
  readonly host: string;
  /** config.json with __ID__ where a container's own name goes. */
  readonly config: string;
  readonly lowerdir: string;
}

/** The bare runtime doing an agent's work: the baseline of pod-start. */
export const bareContainers = { likePodOf, run };

/** Takes the configuration of a running pod of a deployment from its host, with the files that it mounts. */
async function likePodOf(testbed: Testbed, deployment: string): Promise<Template> {
  const { items } = JSON.parse(await testbed.tsctl(["get", "pods", "-l", `app=${deployment}`, "-o", "json"]));
  const [pod] = items;
  const { uid } = pod.metadata;
  const host = pod.spec.nodeName;
  const folder = `/run/tallship/pods/${uid}`;
  const script = `set -e; mkdir -p /run/bare; rm -rf /run/bare/template; cp -r ${folder} /run/bare/template 2>/dev/null || true
cat ${folder}/runs/main.0/config.json; echo; grep "^overlay [^ ]*${uid}" /proc/self/mounts`;
  const { stdout, stderr } = await testbed.exec(host, ["sh", "-c", script]);
  const [config = "", mount = ""] = stdout.split(/\n(?=overlay )/);
  const root = mount.split(" ")[1];
  const relative = /lowerdir=([^,]*)/.exec(mount)?.[1];
  if (relative === undefined || root === undefined)
    throw new Error(`no overlay mount of pod ${uid} on ${host}: ${stderr}${stdout.slice(0, 500)}`);
  const links = relative.split(":").map((path) => join(dirname(root), path));
  const lowerdir = (await testbed.exec(host, ["readlink", "-f", ...links])).stdout.trim().split("\n").join(":");
  const template = config
    .replaceAll(root, "/run/bare/__ID__/rootfs")
    .replaceAll(`/run/tallship/netns/${uid}`, "/run/netns/__ID__")
    .replaceAll(folder, "/run/bare/template")
    .replace(/\/var\/lib\/tallship\/logs\/[^"]*last-words[^"]*/g, "/run/bare/__ID__/last-words")
    .replaceAll(uid, "__ID__");
  return { host, config: template, lowerdir };
}

/** Makes containers from a plain shell, two at a time, and removes them; the milliseconds until the last one runs. */
async function run(testbed: Testbed, template: Template, count: number): Promise<number> {
  const { host } = template;
  await sh(testbed, host, `mkdir -p /run/bare && cat > /run/bare/config.json`, template.config);
  await sh(testbed, host, `cat > /run/bare/one.sh && chmod +x /run/bare/one.sh`, oneScript(template.lowerdir));
  const network = `seq 1 ${count} | sed 's/.*/netns add bare&/' | ip -batch -
seq 1 ${count} | sed 's/.*/link add bv& type veth peer name eth0 netns bare&\\nlink set bv& up/' | ip -batch -`;
  const beganAt = performance.now();
  await sh(testbed, host, `set -e; ${network}\nseq 1 ${count} | xargs -P2 -n1 /run/bare/one.sh`);
  const tookMs = performance.now() - beganAt;
  const cleanup = `for i in $(seq 1 ${count}); do crun --root /run/bare/state delete -f bare$i; umount /run/bare/bare$i/rootfs; ip netns del bare$i; done 2>/dev/null
rm -rf /run/bare/bare* /run/bare/state /var/lib/tallship/bare; find /sys/fs/cgroup -depth -type d -name '*bare[0-9]*' -exec rmdir {} + 2>/dev/null; true`;
  await sh(testbed, host, cleanup);
  return tookMs;
}

/** One container: address, overlay root, conmon with crun create, crun start. */
function oneScript(lowerdir: string): string {
  return `#!/bin/sh
set -e
id=bare$1
dir=/run/bare/$id
disk=/var/lib/tallship/bare/$id
mkdir -p $dir/rootfs $disk/upper $disk/work /run/bare/exits /run/bare/sockets
: > $dir/last-words
sed "s/__ID__/$id/g" /run/bare/config.json > $dir/config.json
printf 'link set lo up\\naddr add 10.251.%d.%d/32 dev eth0\\nlink set eth0 up\\nroute add default dev eth0\\n' $(($1 / 250)) $(($1 % 250 + 1)) | ip -n $id -batch -
mount -t overlay overlay -o lowerdir=${lowerdir},upperdir=$disk/upper,workdir=$disk/work $dir/rootfs
conmon --api-version 1 -c $id -u $id -n $id -r /usr/bin/crun -b $dir -p $dir/pid -P $dir/conmon.pid -l k8s-file:$dir/log --exit-dir /run/bare/exits --socket-dir-path /run/bare/sockets --log-level error --runtime-arg --root=/run/bare/state
turns=0
while [ ! -s $dir/pid ]; do turns=$((turns + 1)); [ $turns -lt 2000000 ] || { echo "$id was not created: $(cat $dir/log)" >&2; exit 1; }; done
crun --root /run/bare/state start $id
`;
}

async function sh(testbed: Testbed, host: string, script: string, input?: string): Promise<void> {
  const { exitCode, stderr } = await testbed.exec(host, ["sh", "-c", script], input === undefined ? {} : { input });
  if (exitCode !== 0) throw new Error(`bare containers on ${host}: ${stderr}`);
}
