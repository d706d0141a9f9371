/** No call leaves what it makes alone for as long as this; longer ones, as an upload, write all the while. */
const youngMs = 10 * 60_000;

/** Whether somebody may still be making what was last changed at `date`. */
export const isYoung = (date: Date): boolean => Date.now() - date.getTime() < youngMs;
