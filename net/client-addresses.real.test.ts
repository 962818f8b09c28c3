import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Lab, type LabPod, makeLab, type Probe } from "../test/kit/network-lab.js";
import { bothProtocols } from "../test/kit/network-world.js";

const STRANGER = "192.168.9.100";

// Three hosts; a pod on the second alone, so that clients of the others' node ports are led through the tunnel. Hosts on one link send pods'
// packets over it where the cluster is told to: clients keep their address there too.
for (const directRouting of [false, true]) {
  describe(`clients of another node, ${directRouting ? "hosts on one link" : "through the tunnel"}`, () => {
    let lab: Lab;
    let a: LabPod;
    let pod: LabPod;

    beforeAll(async () => {
      lab = await makeLab(3, { directRouting });
      // As on hosts that take packets only from where answers would go.
      for (const { namespace, network } of lab.hosts) {
        await namespace.run("sysctl -qw net.ipv4.conf.all.rp_filter=1; ip link delete tallship0");
        await network.repair();
      }
      await lab.setServices([]);
      a = await lab.host(1).pod("a", 9);
      pod = await lab.host(2).pod("b", 9);
      await pod.probe.serve("tcp", 8080);
      await pod.probe.serve("udp", 8080);
      await lab.setServices([bothProtocols([pod.address])]);
      for (const host of lab.hosts) expect(await host.network.repair()).toBe(0);
    });
    afterAll(() => lab.dispose());

    const asked = (probe: Probe, at: number, protocol: "tcp" | "udp" = "tcp"): Promise<string> =>
      probe.ask({ protocol, host: lab.host(at).address, port: 30_080, timeoutMs: 1_000 });

    test("a stranger keeps its address whichever node it asks, by TCP and UDP", async () => {
      for (const at of [1, 2, 3])
        for (const protocol of ["tcp", "udp"] as const)
          expect(await asked(lab.stranger, at, protocol)).toBe(`b ${STRANGER}`);
    });

    test("answers go back by the node that was asked, and by no other way", async () => {
      const two = lab.host(2).namespace;
      await two.run(
        "nft add table inet watch; nft 'add chain inet watch out { type filter hook forward priority 0; }'",
      );
      await two.run(`nft add rule inet watch out oifname eth0 ip daddr ${STRANGER} counter drop`);
      expect(await asked(lab.stranger, 1)).toBe(`b ${STRANGER}`);
      expect(await asked(lab.stranger, 3, "udp")).toBe(`b ${STRANGER}`);
      expect(await two.run("nft list table inet watch")).toContain("packets 0 ");
      await two.run("nft delete table inet watch");
    });

    test("a refusal comes back as well", async () => {
      await lab.setServices([
        bothProtocols([pod.address], { ports: [{ port: 80, targetPort: 8081, nodePort: 30_080 }] }),
      ]);
      expect(await asked(lab.stranger, 1)).toBe("ECONNREFUSED");
      await lab.setServices([bothProtocols([pod.address])]);
    });

    test("hosts and pods that ask another node are seen as before, those of the pod's own node too", async () => {
      expect(await asked(lab.host(1).probe, 3)).toBe("b 10.128.3.1");
      expect(await asked(lab.host(2).probe, 3)).toBe("b 10.128.3.1");
      expect(await asked(lab.host(1).probe, 1)).toBe("b 10.128.1.1");
      expect(await asked(a.probe, 3)).toBe("b 10.128.3.1");
    });

    test("a connection goes on over the death of both nodes' agents", async () => {
      await lab.stranger.open({ host: lab.host(1).address, port: 30_080 });
      expect(await lab.stranger.talk()).toBe("TALKED");
      await lab.host(2).restart();
      expect(await lab.stranger.talk()).toBe("TALKED");
      await lab.host(1).restart();
      expect(await lab.stranger.talk()).toBe("TALKED");
      await lab.setServices([bothProtocols([pod.address])]);
      expect(await lab.stranger.talk()).toBe("TALKED");
      expect(await asked(lab.stranger, 1)).toBe(`b ${STRANGER}`);
      for (const host of lab.hosts) expect(await host.network.repair()).toBe(0);
    });

    test("what is flushed by hand is mended", async () => {
      for (const damage of [
        "ip rule flush proto 84",
        "ip route flush table all proto 84",
        "ip link delete tallship0",
      ]) {
        expect(await lab.host(2).damage(damage)).toBeGreaterThan(0);
        expect(await asked(lab.stranger, 1)).toBe(`b ${STRANGER}`);
        expect(await lab.host(2).network.repair()).toBe(0);
      }
    });
  });
}
