import { expect, test } from "vitest";
import { changedConfig } from "./image-changes.js";

const before = {
  Cmd: ["sh"],
  Env: ["PATH=/bin", "A=1"],
  WorkingDir: "/srv",
  Labels: { a: "1" },
  ExposedPorts: { "80/tcp": {} },
};

const rows: readonly { readonly change: string; readonly want: Readonly<Record<string, unknown>> }[] = [
  { change: 'CMD ["/bin/serve", "-v"]', want: { Cmd: ["/bin/serve", "-v"] } },
  { change: "CMD serve -v", want: { Cmd: ["/bin/sh", "-c", "serve -v"] } },
  // What is no list of texts is a command for a shell, as in a Dockerfile.
  { change: "cmd [ -f /x ]", want: { Cmd: ["/bin/sh", "-c", "[ -f /x ]"] } },
  { change: 'ENTRYPOINT ["/e"]', want: { Entrypoint: ["/e"], Cmd: undefined } },
  { change: "ENV A=2 B='two words'", want: { Env: ["PATH=/bin", "A=2", "B=two words"] } },
  { change: "ENV A two words", want: { Env: ["PATH=/bin", "A=two words"] } },
  { change: 'ENV Q="say \\"hi\\""', want: { Env: ["PATH=/bin", "A=1", 'Q=say "hi"'] } },
  { change: "EXPOSE 443 53/UDP", want: { ExposedPorts: { "80/tcp": {}, "443/tcp": {}, "53/udp": {} } } },
  { change: 'LABEL b="2 3" a=0', want: { Labels: { a: "0", b: "2 3" } } },
  { change: "USER app:app", want: { User: "app:app" } },
  { change: "WORKDIR /app", want: { WorkingDir: "/app" } },
  { change: "WORKDIR sub", want: { WorkingDir: "/srv/sub" } },
  { change: 'VOLUME ["/data"]', want: { Volumes: { "/data": {} } } },
  { change: "STOPSIGNAL SIGQUIT", want: { StopSignal: "SIGQUIT" } },
  { change: "ONBUILD RUN make", want: { OnBuild: ["RUN make"] } },
];

test.each(rows)("$change changes what it names and nothing else", ({ change, want }) => {
  expect(changedConfig(before, [change])).toEqual({ ...before, ...want });
});

test("changes follow each other", () => {
  expect(changedConfig({}, ["ENV A=1", "ENV A=2"])).toEqual({ Env: ["A=2"] });
});

test.each(["RUN make", "EXPOSE web", "LABEL alone", "CMD", "", "constructor x"])("%j is refused by name", (change) => {
  expect(() => changedConfig(before, [change])).toThrow(`change ${JSON.stringify(change)}`);
});
