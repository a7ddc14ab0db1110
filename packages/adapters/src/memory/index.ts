/**
 * A link between two NICs of one process.
 *
 * @packageDocumentation
 */
export { type MemoryPair, memoryPair, type MemoryPairOptions } from './memory-pair.js'
