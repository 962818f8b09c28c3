import { waitFor } from "../test/kit/wait.js";
import type { Testbed } from "../test/testbed/testbed.js";
import { type Bench, type BenchContext, median } from "./harness.js";
import { apply, withTestbed } from "./on-testbed.js";

/** What the rules of ingresses cost over a proxy that has none. */
export const ingress: Bench = {
  name: "ingress",
  summary: "requests/s through a node's entry with 200 ingresses, over those of a bare HAProxy before the same server",
  goals: [{ metric: "ratio", op: ">=", bound: 0.8, stage: "full" }],
  run,
};

const SERVER_PORT = 9_009;
const BARE_PORT = 9_010;
const INGRESSES = 200;

/** A server that costs next to nothing, so that what is measured is the proxy before it. */
const SERVER = `defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
frontend answer
  bind *:${SERVER_PORT}
  http-request return status 200 content-type text/plain string "hello"
`;

const bareProxy = (server: string): string => `defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
frontend entry
  bind *:${BARE_PORT}
  default_backend server
backend server
  server s1 ${server}:${SERVER_PORT}
`;

function run(context: BenchContext): Promise<Readonly<Record<string, number>>> {
  return withTestbed(context, { hostCount: 2 }, async (testbed) => {
    const server = testbed.host("host2").address;
    await needWrk(testbed);
    await startProxy(testbed, "host2", SERVER);
    await startProxy(testbed, "host1", bareProxy(server));
    await apply(testbed, manifests(server));
    const paths = { bare: `http://127.0.0.1:${BARE_PORT}/`, entry: "http://127.0.0.1/" };
    await waitFor("the entry to answer", async () => (await load(testbed, paths.entry, 1)) > 0, { deadlineMs: 30_000 });
    const rates: Record<keyof typeof paths, number[]> = { bare: [], entry: [] };
    for (let round = 0; round < (context.isQuick ? 1 : 5); round += 1)
      for (const path of ["bare", "entry"] as const) {
        const rate = await load(testbed, paths[path], context.isQuick ? 2 : 5);
        rates[path].push(rate);
        context.report(`${path}: ${Math.round(rate)} requests/s`);
      }
    const [bare, entry] = [median(rates.bare), median(rates.entry)];
    return { ratio: entry / bare, requests_s: entry, bare_s: bare, ingresses: INGRESSES };
  });
}

/** The load generator is needed by this bench alone. */
async function needWrk(testbed: Testbed): Promise<void> {
  const { exitCode } = await testbed.exec("host1", ["which", "wrk"]);
  if (exitCode !== 0) throw new Error("this bench needs the Debian package wrk: apt-get install wrk");
}

async function startProxy(testbed: Testbed, host: string, config: string): Promise<void> {
  const file = `/tmp/bench-proxy-${process.pid}-${host}.cfg`;
  const { exitCode, stderr } = await testbed.exec(
    host,
    ["sh", "-c", `cat > ${file} && haproxy -D -f ${file}; rm ${file}`],
    {
      input: config,
    },
  );
  if (exitCode !== 0) throw new Error(`haproxy: ${stderr}`);
}

/** Requests per second that 64 connections get answered with status 200. */
async function load(testbed: Testbed, url: string, seconds: number): Promise<number> {
  const command = ["wrk", "-t1", "-c64", `-d${seconds}s`, "-H", "Host: h7.example", url];
  const { stdout } = await testbed.exec("host1", command);
  if (/Non-2xx|Socket errors/.test(stdout)) return 0;
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0);
}

/** A service whose endpoint is the server, and ingresses that lead to it by hosts and paths. */
function manifests(server: string): readonly unknown[] {
  const service = { name: "server", port: { number: 80 } };
  return [
    { apiVersion: "v1", kind: "Service", metadata: { name: "server" }, spec: { ports: [{ name: "http", port: 80 }] } },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "server-a", labels: { "kubernetes.io/service-name": "server" } },
      addressType: "IPv4",
      endpoints: [{ addresses: [server], conditions: { ready: true } }],
      ports: [{ name: "http", protocol: "TCP", port: SERVER_PORT }],
    },
    ...Array.from({ length: INGRESSES }, (_, at) => ({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: `ingress-${at}` },
      spec: {
        rules: [
          {
            host: `h${at}.example`,
            http: {
              paths: ["/", "/api", "/static"].map((path) => ({ path, pathType: "Prefix", backend: { service } })),
            },
          },
        ],
      },
    })),
  ];
}
