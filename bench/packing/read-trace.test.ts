import { expect, test } from "vitest";
import { readNodes, readPods } from "./read-trace.js";

const header =
  "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time";
const pods = (...rows: readonly string[]) => readPods({ name: "pods.csv", text: [header, ...rows].join("\n") });

test("rows of the openb trace are read, with models and pods without GPUs", () => {
  expect(
    pods(
      "openb-pod-0000,12000,16384,1,1000,,LS,Running,0,12537496,0",
      "openb-pod-0001,6000,12288,1,460,V100M16|V100M32,LS,Failed,427061,430622,427061.0",
      "openb-pod-0002,4000,8192,0,0,,BE,Running,1,2,\r",
    ),
  ).toEqual([
    { cpuMillicores: 12_000, memoryMib: 16_384, gpuCount: 1, gpuMilli: 1_000, models: [] },
    { cpuMillicores: 6_000, memoryMib: 12_288, gpuCount: 1, gpuMilli: 460, models: ["V100M16", "V100M32"] },
    { cpuMillicores: 4_000, memoryMib: 8_192, gpuCount: 0, gpuMilli: 0, models: [] },
  ]);
  const text = "\uFEFFsn,cpu_milli,memory_mib,gpu,model\nopenb-node-0000,64000,262144,2,P100\nplain,1,1,0,\n";
  expect(readNodes({ name: "nodes.csv", text }).map(({ gpuCount, model }) => [gpuCount, model])).toEqual([
    [2, "P100"],
    [0, ""],
  ]);
});

// Each is named with its file, line and column.
const wrong = [
  {
    name: "a word for a number",
    row: "a,many,1,0,0,,,,,,",
    want: 'pods.csv:2:3: cpu_milli: want a whole number up to 1000000000000, found "many"',
  },
  {
    name: "a negative amount",
    row: "a,-1,1,0,0,,,,,,",
    want: 'pods.csv:2:3: cpu_milli: want a whole number up to 1000000000000, found "-1"',
  },
  { name: "no name", row: ",1,1,0,0,,,,,,", want: "pods.csv:2:1: name: want a value, found none" },
  { name: "too few fields", row: "a,1,1", want: "pods.csv:2:6: want 11 fields, found 3" },
  {
    name: "more than a device",
    row: "a,1,1,1,1001,,,,,,",
    want: 'pods.csv:2:9: gpu_milli: want a whole number up to 1000, found "1001"',
  },
  {
    name: "a GPU of which nothing is asked",
    row: "a,1,1,1,0,,,,,,",
    want: "pods.csv:2:9: gpu_milli: want 1 to 1000 for 1 GPUs, found 0",
  },
  {
    name: "a quote that does not end",
    row: 'a,1,1,1,1000,"G2,,,,,',
    want: 'pods.csv:2:14: want a field, or one in double quotes, before "," or the end of the line',
  },
] as const;

for (const { name, row, want } of wrong) {
  test(`a trace with ${name} is refused`, () => {
    expect(() => pods(row)).toThrow(`read trace ${want}`);
  });
}

test("a trace without a column, and one without rows, are refused", () => {
  expect(() => readPods({ name: "p.csv", text: "name,cpu_milli\n" })).toThrow(
    "read trace p.csv:1:1: want a column memory_mib",
  );
  expect(() => pods()).toThrow("read trace pods.csv:2:1: want at least one row, found none");
});
