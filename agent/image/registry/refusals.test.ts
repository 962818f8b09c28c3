import { expect, test } from "vitest";
import { refusalOf } from "./refusals.js";

const MANIFEST = "GET https://reg.example/v2/team/app/manifests/v1";
const error = (code: string): string =>
  JSON.stringify({ errors: [{ code, message: "\u001b[2J of the registry's own" }] });

// What people are told when something is not there: which of name, tag and rights, and what would help.
const rows = [
  {
    name: "a tag that is missing is called so",
    refusal: { status: 404, body: error("MANIFEST_UNKNOWN"), where: MANIFEST, hasLogin: false },
    want: [
      "image_not_found",
      "tag v1 of repository team/app not found at reg.example (manifest unknown): check name and tag",
    ],
  },
  {
    name: "a HEAD has no body, and means the same",
    refusal: { status: 404, body: "", where: MANIFEST, hasLogin: false },
    want: [
      "image_not_found",
      "tag v1 of repository team/app not found at reg.example (manifest unknown): check name and tag",
    ],
  },
  {
    name: "a repository that is missing may be hidden from who has no login",
    refusal: { status: 404, body: error("NAME_UNKNOWN"), where: MANIFEST, hasLogin: false },
    want: ["image_not_found", "reg.example has no repository team/app, or it needs tsctl login reg.example"],
  },
  {
    name: "with a login it is missing",
    refusal: { status: 404, body: error("NAME_UNKNOWN"), where: MANIFEST, hasLogin: true },
    want: ["image_not_found", "reg.example has no repository team/app"],
  },
  {
    name: "who has no login may need one",
    refusal: { status: 401, body: error("UNAUTHORIZED"), where: MANIFEST, hasLogin: false },
    want: [
      "image_unauthorized",
      `${MANIFEST}: access to team/app denied: the registry wants credentials, none are given: the repository may need tsctl login reg.example, or not exist`,
    ],
  },
  {
    name: "credentials that are refused are not asked for again",
    refusal: { status: 403, body: "", where: MANIFEST, hasLogin: true },
    want: ["image_unauthorized", `${MANIFEST}: access to team/app denied: the registry refuses the credentials`],
  },
  {
    name: "a blob that is missing is told by its address",
    refusal: { status: 404, body: "", where: "GET https://reg.example/v2/a/blobs/sha256:1", hasLogin: false },
    want: ["image_not_found", "GET https://reg.example/v2/a/blobs/sha256:1: status 404"],
  },
  {
    name: "what is sent and not taken is no pull, and the registry's words stay out",
    refusal: {
      status: 413,
      body: error("SIZE_INVALID"),
      where: "PUT https://reg.example/v2/a/blobs/uploads/1",
      hasLogin: false,
    },
    want: ["image_push_failed", "PUT https://reg.example/v2/a/blobs/uploads/1: status 413 (SIZE_INVALID)"],
  },
  {
    name: "a page of some proxy is no reason",
    refusal: { status: 502, body: "<html>", where: MANIFEST, hasLogin: false },
    want: ["image_pull_failed", `${MANIFEST}: status 502`],
  },
];

test.each(rows)("$name", ({ refusal, want }) => {
  const { code, message } = refusalOf(refusal);
  expect([code, message]).toEqual(want);
});
