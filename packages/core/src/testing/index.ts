/**
 * Arbitraries of frames, flows, conditions, rules and transpositions, for property tests of policy.
 *
 * Needs fast-check, an optional peer dependency of the package.
 *
 * @packageDocumentation
 */
export * from './condition-arbitraries.js'
export * from './flow-arbitraries.js'
export * from './frame-arbitraries.js'
export * from './late-resource.js'
export * from './rule-sets.js'
export * from './transposition-arbitraries.js'
