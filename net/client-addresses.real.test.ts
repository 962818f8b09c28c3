import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab, type Probe } from "../test/kit/network-lab.js";
import { bothProtocols, dualStack } from "../test/kit/network-world.js";
import { waitFor } from "../test/kit/wait.js";
import { podIpv6 } from "./ipv6.js";

/** What differs by family. */
const FAMILIES = {
  IPv4: {
    ...{ ip: "ip", service: {}, stranger: "192.168.9.100", tools: "ip" },
    host: (at: number) => `192.168.9.${at}`,
    later: (at: number) => `192.168.9.${at}0`,
    bits: 24,
    gateway: (at: number) => `10.128.${at}.1`,
    pod: ({ address }: LabPod) => address,
  },
  IPv6: {
    ...{ ip: "ip6", service: { clusterIP: "fd00:10:96::11" }, stranger: "2001:db8:9::64", tools: "ip -6" },
    host: (at: number) => `2001:db8:9::${at}`,
    later: (at: number) => `2001:db8:9::${at}:1`,
    bits: 64,
    gateway: (at: number) => `fd00:10:128:${at}::1`,
    pod: ({ address }: LabPod) => podIpv6(`fd00:10:128:${address.split(".")[2]}::/64`, address),
  },
} as const;

const cases = [false, true].flatMap((directRouting) =>
  (["IPv4", "IPv6"] as const).map((family) => ({ directRouting, family })),
);

// Three hosts; a pod on the second alone, so that clients of the others' node ports are led through the tunnel. Hosts on one link send pods'
// packets over it where the cluster is told to: clients keep their address there too.
for (const { directRouting, family } of cases) {
  describe(`clients of another node by ${family}, ${directRouting ? "hosts on one link" : "through the tunnel"}`, () => {
    const words = FAMILIES[family];
    let lab: Lab;
    let a: LabPod;
    let pod: LabPod;

    beforeAll(async () => {
      lab = await makeLab(3, (at) => ({ directRouting, ...(family === "IPv6" && dualStack(at)) }));
      for (const { namespace, at } of lab.hosts)
        await namespace.run(`ip address add ${FAMILIES.IPv6.host(at)}/64 dev eth0 nodad`);
      await lab.outside.run(`ip address add ${FAMILIES.IPv6.stranger}/64 dev eth0 nodad`);
      // As on hosts that take packets only from where answers would go.
      for (const { namespace, network } of lab.hosts) {
        await namespace.run("sysctl -qw net.ipv4.conf.all.rp_filter=1; ip link delete tallship0");
        await network.repair();
      }
      // A host's address on the link is good a moment after the link has come up, and others hear of it with the next services.
      if (directRouting && family === "IPv6")
        await waitFor("hosts to have addresses on their link", async () => {
          for (const { network } of lab.hosts) await network.repair();
          return lab.hosts.every(({ published }) => published.linkIpv6 !== "") || undefined;
        });
      await lab.setServices([]);
      a = await lab.host(1).pod("a", 9);
      pod = await lab.host(2).pod("b", 9);
      await pod.probe.serve("tcp", 8080, "::");
      await pod.probe.serve("udp", 8080, "::");
      await lab.setServices([web()]);
      for (const host of lab.hosts) expect(await host.network.repair()).toBe(0);
    });
    afterAll(() => lab.dispose());

    const asked = (probe: Probe, at: number, protocol: "tcp" | "udp" = "tcp"): Promise<string> =>
      probe.ask({ protocol, host: words.host(at), port: 30_080, timeoutMs: 1_000 });
    const web = (change: Parameters<typeof bothProtocols>[1] = {}) =>
      bothProtocols([words.pod(pod)], { ...words.service, ...change });

    test("a stranger keeps its address whichever node it asks, by TCP and UDP", async () => {
      for (const at of [1, 2, 3])
        for (const protocol of ["tcp", "udp"] as const)
          expect(await asked(lab.stranger, at, protocol)).toBe(`b ${words.stranger}`);
    });

    test("every address that a host has on the link is its own: strangers and hosts ask there, and hosts are told from clients by all of them", async () => {
      const { later, bits } = words;
      for (const { namespace, network, at } of lab.hosts) {
        await namespace.run(`ip address add ${later(at)}/${bits} dev eth0${family === "IPv6" ? " nodad" : ""}`);
        await network.repair();
      }
      await lab.setServices([web()]);
      const ask = (probe: Probe, at: number, from = ""): Promise<string> =>
        probe.ask({ host: later(at), port: 30_080, from, timeoutMs: 1_000 });
      for (const at of [1, 2, 3]) {
        const { hostIpv4, hostIpv6 } = lab.host(at).published;
        expect(family === "IPv4" ? hostIpv4 : hostIpv6?.slice(1)).toEqual([later(at)]);
        expect(await ask(lab.stranger, at)).toBe(`b ${words.stranger}`);
        expect(await ask(a.probe, at)).toMatch(/^b /);
      }
      // The second host has the pod: its own packets come back to it.
      for (const from of [words.host(2), later(2)])
        expect(await ask(lab.host(2).probe, 1, from)).toBe(`b ${words.gateway(1)}`);
      for (const { namespace, network, at } of lab.hosts) {
        await namespace.run(`ip address delete ${later(at)}/${bits} dev eth0`);
        await network.repair();
        expect(lab.host(at).published.hostIpv4).toEqual([]);
      }
      await lab.setServices([web()]);
    });

    test("answers go back by the node that was asked, and by no other way", async () => {
      const two = lab.host(2).namespace;
      await two.run(
        "nft add table inet watch; nft 'add chain inet watch out { type filter hook forward priority 0; }'",
      );
      await two.run(`nft add rule inet watch out oifname eth0 ${words.ip} daddr ${words.stranger} counter drop`);
      expect(await asked(lab.stranger, 1)).toBe(`b ${words.stranger}`);
      expect(await asked(lab.stranger, 3, "udp")).toBe(`b ${words.stranger}`);
      expect(await two.run("nft list table inet watch")).toContain("packets 0 ");
      await two.run("nft delete table inet watch");
    });

    test("a refusal comes back as well", async () => {
      await lab.setServices([web({ ports: [{ port: 80, targetPort: 8081, nodePort: 30_080 }] })]);
      expect(await asked(lab.stranger, 1)).toBe("ECONNREFUSED");
      await lab.setServices([web()]);
    });

    test("hosts and pods that ask another node are seen as before, those of the pod's own node too", async () => {
      expect(await asked(lab.host(1).probe, 3)).toBe(`b ${words.gateway(3)}`);
      expect(await asked(lab.host(2).probe, 3)).toBe(`b ${words.gateway(3)}`);
      expect(await asked(lab.host(1).probe, 1)).toBe(`b ${words.gateway(1)}`);
      expect(await asked(a.probe, 3)).toBe(`b ${words.gateway(3)}`);
    });

    test("a connection goes on over the death of both nodes' agents", async () => {
      await lab.stranger.open({ host: words.host(1), port: 30_080 });
      expect(await lab.stranger.talk()).toBe("TALKED");
      await lab.host(2).restart();
      expect(await lab.stranger.talk()).toBe("TALKED");
      await lab.host(1).restart();
      expect(await lab.stranger.talk()).toBe("TALKED");
      await lab.setServices([web()]);
      expect(await lab.stranger.talk()).toBe("TALKED");
      expect(await asked(lab.stranger, 1)).toBe(`b ${words.stranger}`);
      for (const host of lab.hosts) expect(await host.network.repair()).toBe(0);
    });

    test("what is flushed by hand is mended", async () => {
      for (const damage of [
        `${words.tools} rule flush proto 84`,
        `${words.tools} route flush table all proto 84`,
        "ip link delete tallship0",
      ]) {
        expect(await lab.host(2).damage(damage)).toBeGreaterThan(0);
        expect(await asked(lab.stranger, 1)).toBe(`b ${words.stranger}`);
        expect(await lab.host(2).network.repair()).toBe(0);
      }
    });
  });
}
