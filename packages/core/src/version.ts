/** Version of this package, as its package.json has it: `scripts/core-version.mjs` writes this file, and lint fails if the two differ. */
export const VERSION = '0.1.0'
