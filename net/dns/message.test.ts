import { type Answer, decode, TRUNCATED_RESPONSE } from "dns-packet";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Query, writeReply } from "./message.js";

const query: Query = {
  ...{ id: 7, question: { name: "web.default.svc.cluster.local", type: "AAAA" }, isRecursionDesired: true },
  ...{ maxBytes: 512, hasEdns: false },
};
const record = (at: number): Answer => ({ type: "AAAA", name: query.question.name, ttl: 5, data: `fd00::${at + 1}` });
const records = (count: number): readonly Answer[] => Array.from({ length: count }, (_, at) => record(at));

test("a reply fits, has the first answers that do, is marked as cut when any is missing, and gives up what is additional before", () => {
  const counts = fc.record({
    answers: fc.nat(60),
    additionals: fc.nat(30),
    bytes: fc.integer({ min: 512, max: 4_096 }),
  });
  fc.assert(
    fc.property(counts, ({ answers, additionals, bytes }) => {
      const reply = { code: 0, answers: records(answers), additionals: records(additionals), isAuthoritative: true };
      const written = writeReply(query, reply, bytes);
      expect(written.length).toBeLessThanOrEqual(bytes);
      const read = decode(written);
      const had = read.answers?.length ?? 0;
      expect(read.answers).toMatchObject(reply.answers.slice(0, had));
      expect(((read.flags ?? 0) & TRUNCATED_RESPONSE) !== 0).toBe(had < answers);
      if (had < answers) expect(written.length + perAnswer).toBeGreaterThan(bytes);
      if ((read.additionals?.length ?? 0) > 0) expect(read.additionals).toHaveLength(additionals);
    }),
  );
});

const perAnswer =
  writeReply(query, { code: 0, answers: records(2), isAuthoritative: true }, 512).length -
  writeReply(query, { code: 0, answers: records(1), isAuthoritative: true }, 512).length;
