/** Label of revisions: the set of files that was applied. */
export const SET_LABEL = "tallship.dev/set";
