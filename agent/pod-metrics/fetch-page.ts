// Edge: one page of a pod over HTTP.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../../lib/clock.js";
import { limit } from "../../lib/limits.js";
import type { FetchPage } from "./pod-metrics.js";

/** Reads pages within limits.podMetricsMs and limits.podMetricsBytes. A pod has no certificate that anybody could know, so none is asked for. */
export function fetchPages(clock: Clock): FetchPage {
  return (url) =>
    new Promise((resolve) => {
      const headers = { accept: "text/plain;version=0.0.4" };
      const options = { headers, agent: false as const, rejectUnauthorized: false };
      const sent = url.protocol === "https:" ? httpsRequest(url, options) : httpRequest(url, options);
      const cancel = clock.after(limit("podMetricsMs"), () => settle(undefined));
      const settle = (page: string | undefined): void => {
        cancel();
        sent.destroy();
        resolve(page);
      };
      sent.on("error", () => settle(undefined));
      sent.on("response", (answer) => {
        if (answer.statusCode === 200) readAll(answer).then(settle, () => settle(undefined));
        else settle(undefined);
      });
      sent.end();
    });
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    const part: Buffer = chunk;
    chunks.push(part);
    bytes += part.length;
    if (bytes > limit("podMetricsBytes")) break;
  }
  return Buffer.concat(chunks).toString();
}
