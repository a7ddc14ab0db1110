/** How a frame ended, as a number for the per-packet path; `Pending` ones have not, nor `Oversize` ones: neither passed nor counted as dropped, they are as they were. */
export const Outcome = { Passed: 0, Dropped: 1, Hairpinned: 2, Pending: 3, Answered: 4, Oversize: 5 } as const
/** How a frame ended. */
export type Outcome = (typeof Outcome)[keyof typeof Outcome]
