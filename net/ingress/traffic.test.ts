import { expect, test } from "vitest";
import { readTraffic } from "./traffic.js";

test("backends are read by the table's own head, whatever else stands in it", () => {
  const csv = `# pxname,svname,scur,wredis,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,
entry,FRONTEND,3,,0,9,0,1,0,0,
shop_web_80,s1,1,0,0,4,0,0,0,0,
shop_web_80,BACKEND,2,1,0,7,0,1,0,3,
`;
  expect(readTraffic(csv)).toEqual([
    {
      backend: "shop_web_80",
      answers: { "1xx": 0, "2xx": 7, "3xx": 0, "4xx": 1, "5xx": 0, other: 3 },
      running: 2,
      retried: 1,
    },
  ]);
  expect(readTraffic("")).toEqual([]);
});
