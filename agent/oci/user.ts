import { TallshipError } from "../../lib/errors.js";
import type { Container } from "../../proto/gen/tallship/v1/container.js";
import type { PodSecurityContext } from "../../proto/gen/tallship/v1/pod.js";
import type { NumericUser } from "./oci-spec.js";

/** The image's /etc/passwd and /etc/group; empty when it has none. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

/** A user in numbers, and its home folder. */
export interface ResolvedUser extends NumericUser {
  readonly home: string;
}

const LARGEST_ID = 4_294_967_294;

/**
 * Whom a container runs as: the container's runAs fields, then the pod's, then the image's user (user[:group], names or numbers).
 * Its further groups are those the pod names and, unless the pod's policy is Strict, those the image gives the user. Refuses a user 0, or one whose name is not in the image, where runAsNonRoot asks for another.
 */
export function resolveUser(
  container: Container,
  pod: PodSecurityContext | undefined,
  image: { readonly user: string; readonly files: UserFiles },
): ResolvedUser {
  const own = container.securityContext;
  const [userWord = "", groupWord] = image.user.split(":");
  const asked = own?.runAsUser ?? pod?.runAsUser;
  const entry = findUser(usersIn(image.files), asked === undefined ? userWord || "0" : `${asked}`);
  const uid = asked ?? entry.uid;
  const gid = own?.runAsGroup ?? pod?.runAsGroup ?? imageGroup(asked, groupWord, entry.gid, image.files);
  if ((own?.runAsNonRoot ?? pod?.runAsNonRoot) === true && uid === 0)
    throw new TallshipError("forbidden", `container ${container.name}: runAsNonRoot is set and it would run as user 0`);
  const named = pod?.supplementalGroupsPolicy === "Strict" ? [] : groupsWith(image.files.group, entry.name);
  const groups = [...(pod?.supplementalGroups ?? []), ...(pod?.fsGroup === undefined ? [] : [pod.fsGroup]), ...named];
  return { uid, gid, additionalGids: [...new Set(groups)].sort((a, b) => a - b), home: entry.home };
}

/** Whom `user[:group]`, names or numbers, stands for: with the user's further groups where no group is named. As Docker's `exec --user`. */
export function namedUser(text: string, files: UserFiles): NumericUser {
  const [userWord = "", groupWord] = text.split(":");
  const { uid, gid: own, name } = findUser(usersIn(files), userWord);
  const gid = imageGroup(undefined, groupWord, own, files);
  return { uid, gid, additionalGids: groupWord === undefined ? groupsWith(files.group, name) : [] };
}

function usersIn({ passwd }: UserFiles): readonly (readonly string[])[] {
  return passwd.split("\n").map((line) => line.split(":"));
}

/** The image's group counts only with the image's user. */
function imageGroup(asked: number | undefined, groupWord: string | undefined, own: number, files: UserFiles): number {
  if (asked !== undefined || groupWord === undefined || groupWord === "") return own;
  return findGroup(files.group, groupWord);
}

interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function findUser(users: readonly (readonly string[])[], word: string): UserEntry {
  const number = parseId(word);
  const found = users.find(([name, , uid]) => (number === undefined ? name === word : Number(uid) === number));
  if (found !== undefined) {
    const [name = "", , uid, gid, , home] = found;
    return { name, uid: parseId(uid) ?? 0, gid: parseId(gid) ?? 0, home: home || "/" };
  }
  if (number === undefined)
    throw new TallshipError("invalid_argument", `user ${word}: the image's /etc/passwd does not have it`);
  return { name: "", uid: number, gid: 0, home: number === 0 ? "/root" : "/" };
}

function findGroup(groups: string, word: string): number {
  const number = parseId(word);
  if (number !== undefined) return number;
  const line = groups
    .split("\n")
    .map((one) => one.split(":"))
    .find(([name]) => name === word);
  const gid = parseId(line?.[2]);
  if (gid === undefined)
    throw new TallshipError("invalid_argument", `group ${word}: the image's /etc/group does not have it`);
  return gid;
}

function groupsWith(groups: string, user: string): readonly number[] {
  if (user === "") return [];
  const lines = groups.split("\n").map((line) => line.split(":"));
  return lines
    .filter(([, , , users]) => (users ?? "").split(",").includes(user))
    .flatMap(([, , gid]) => parseId(gid) ?? []);
}

function parseId(word: string | undefined): number | undefined {
  if (word === undefined || !/^\d{1,10}$/.test(word)) return undefined;
  const id = Number(word);
  return id <= LARGEST_ID ? id : undefined;
}
