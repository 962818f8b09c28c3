import { afterAll, beforeAll, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab } from "../test/kit/network-lab.js";
import { VIP } from "../test/kit/network-world.js";
import { sctpPacket } from "../test/kit/sctp-packet.js";

// Two hosts and a pod on each. Packets are sent by raw sockets: the kernel need not speak SCTP itself to forward and translate it.
let lab: Lab;
let client: LabPod;
let server: LabPod;

beforeAll(async () => {
  lab = await makeLab(2);
  await lab.setServices([]);
  client = await lab.host(1).pod("client", 9);
  server = await lab.host(2).pod("server", 9);
  const ports = [{ port: 80, targetPort: 8080, protocol: "SCTP" }];
  await lab.setServices([{ name: "web", clusterIP: VIP, ports, endpoints: [server.address] }]);
});
afterAll(() => lab.dispose());

const send = (from: LabPod, to: string, hex: string): Promise<string> =>
  from.inside(
    `perl -MSocket -e "socket(S,PF_INET,SOCK_RAW,132); send(S,pack(qq(H*),qq(${hex})),0,sockaddr_in(0,inet_aton(qq(${to}))))"`,
  );
const watch = (pod: LabPod, match: string): Promise<string> =>
  pod.inside(
    `nft add table inet watch; nft add chain inet watch seen { type filter hook input priority 0 \\; }; nft add rule inet watch seen ${match} counter`,
  );
const seen = (pod: LabPod): Promise<string> => pod.inside("nft list chain inet watch seen");

test("SCTP is led to an endpoint on another node, which sees the client, and its answer comes from the service", async () => {
  await watch(server, `ip saddr ${client.address} sctp dport 8080`);
  await watch(client, `ip saddr ${VIP} sctp sport 80`);
  await send(client, VIP, sctpPacket({ chunk: "init", fromPort: 20_000, toPort: 80 }));
  await expect.poll(() => seen(server)).toContain("packets 1 ");
  await send(server, client.address, sctpPacket({ chunk: "init-ack", fromPort: 8080, toPort: 20_000 }));
  await expect.poll(() => seen(client)).toContain("packets 1 ");
});
