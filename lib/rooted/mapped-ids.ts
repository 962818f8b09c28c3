/** Ids of this host from `first` on, which are 0 and on in a user namespace. */
export interface MappedIds {
  readonly first: number;
  readonly count: number;
}

/** What an owner is in the namespace. One of none of its ids stays what it is: files of an image are their own owners' on the disk. */
export function ownInside(id: number, ids: MappedIds | undefined): number {
  if (ids === undefined || id < ids.first || id >= ids.first + ids.count) return id;
  return id - ids.first;
}

/** What an owner in the namespace is on this host; one that the namespace does not have is its nobody, the last but one. */
export function ownOutside(id: number, ids: MappedIds | undefined): number {
  if (ids === undefined) return id;
  return ids.first + (id < ids.count ? id : ids.count - 2);
}
