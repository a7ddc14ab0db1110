/**
 * Faults on demand for any NIC: loss, duplication, corruption, reordering and delay that follow from a seed.
 *
 * @packageDocumentation
 */
export { faulty, type FaultyNic, type FaultOptions } from './faulty.js'
export { type FaultCounts, type Faults } from './fate.js'
