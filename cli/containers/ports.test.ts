import { expect, test } from "vitest";
import { Pod } from "../../proto/gen/tallship/v1/pod.js";
import { Service } from "../../proto/gen/tallship/v1/service.js";
import { openPorts, portsText } from "./ports.js";

const podOf = (...ips: readonly string[]): Pod =>
  Pod.fromPartial({
    metadata: { name: "web", namespace: "default", labels: { app: "web" } },
    spec: {
      containers: [
        {
          name: "web",
          ports: [
            { hostPort: 7_000, containerPort: 80 },
            { hostPort: 7_001, containerPort: 81, hostIP: "::1" },
          ],
        },
      ],
    },
    status: { podIPs: ips.map((ip) => ({ ip })) },
  });
const serviceOf = (...ipFamilies: string[]): Service =>
  Service.fromPartial({
    metadata: { name: "web", namespace: "default" },
    spec: { ipFamilies, selector: { app: "web" }, ports: [{ port: 82, nodePort: 30_000, protocol: "UDP" }] },
  });

const four = podOf("10.128.0.2");
const both = podOf("10.128.0.2", "fd00::2");

const rows = [
  { name: "of IPv4 alone", pod: four, service: serviceOf(), own: "0.0.0.0:7000->80/tcp", led: "0.0.0.0:30000->82/udp" },
  {
    ...{ name: "of both families", pod: both, service: serviceOf("IPv4", "IPv6") },
    ...{ own: "0.0.0.0:7000->80/tcp, [::]:7000->80/tcp", led: "0.0.0.0:30000->82/udp, [::]:30000->82/udp" },
  },
  {
    ...{ name: "of both families, behind a service of IPv6", pod: both, service: serviceOf("IPv6") },
    ...{ own: "0.0.0.0:7000->80/tcp, [::]:7000->80/tcp", led: "[::]:30000->82/udp" },
  },
  {
    // Its networks may have none of IPv6.
    ...{ name: "of IPv4 behind a service of both", pod: four, service: serviceOf("IPv4", "IPv6") },
    ...{ own: "0.0.0.0:7000->80/tcp", led: "0.0.0.0:30000->82/udp" },
  },
];
for (const { name, pod, service, own, led } of rows)
  test(`ports of a pod ${name} are told as docker does`, () => {
    expect(portsText(openPorts(pod, [service]))).toBe(`${own}, [::1]:7001->81/tcp, ${led}`);
  });
