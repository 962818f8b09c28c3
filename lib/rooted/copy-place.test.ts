import { expect, test } from "vitest";
import { copyPlace } from "./copy-place.js";

const file = { path: "a.txt", type: "file" } as const;
const folder = { path: "dir/", type: "directory" } as const;
const contents = { path: "./", type: "directory" } as const;

// The cases of docker cp's documentation, in its order.
const rows = [
  {
    name: "a file to what is not there",
    first: file,
    to: "/new",
    found: "nothing",
    want: { folder: "/", name: "new" },
  },
  { name: "a file over a file", first: file, to: "/x/old", found: "file", want: { folder: "/x", name: "old" } },
  { name: "a file into a folder", first: file, to: "/x", found: "folder", want: { folder: "/x", name: "a.txt" } },
  {
    name: "a folder to what is not there",
    first: folder,
    to: "/x/new",
    found: "nothing",
    want: { folder: "/x", name: "new" },
  },
  {
    name: "a folder to what is not there, with a slash",
    first: folder,
    to: "/x/new/",
    found: "nothing",
    want: { folder: "/x", name: "new" },
  },
  { name: "a folder into a folder", first: folder, to: "/x/", found: "folder", want: { folder: "/x/", name: "dir" } },
  {
    name: "what a folder holds into a folder",
    first: contents,
    to: "/x",
    found: "folder",
    want: { folder: "/x", name: "." },
  },
  {
    name: "what a folder holds to what is not there",
    first: contents,
    to: "/new",
    found: "nothing",
    want: { folder: "/", name: "new" },
  },
] as const;

for (const { name, first, to, found, want } of rows) {
  test(`copy place: ${name}`, () => {
    expect(copyPlace(first, { path: to, found })).toEqual(want);
  });
}

const refused = [
  {
    name: "a file to a folder that is not there",
    first: file,
    to: "/new/",
    found: "nothing",
    why: "there is no such folder",
  },
  { name: "a folder over a file", first: folder, to: "/old", found: "file", why: "it is a file" },
] as const;

for (const { name, first, to, found, why } of refused) {
  test(`copy place: ${name} is refused`, () => {
    expect(() => copyPlace(first, { path: to, found })).toThrow(why);
  });
}
