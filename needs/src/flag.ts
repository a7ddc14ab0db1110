/** Returns whether a switch of the environment is on: unset, empty, `0` and `false` mean off, in any case of letters; all else means on. */
export const isOn = (value: string | undefined): boolean => !['', '0', 'false'].includes((value ?? '').trim().toLowerCase())
