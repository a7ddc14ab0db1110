/** The compliance suite as one list, in the order in which a new adapter best passes it. */
import type { ComplianceCase } from './bench.js'
import { costCases } from './cost-cases.js'
import { lifeCases } from './life-cases.js'
import { limitCases } from './limit-cases.js'
import { trafficCases } from './traffic-cases.js'

/**
 * Every case that a NIC has to pass. Run them one after another, since they measure memory and idle time: a case rejects with an `Error` that says
 * what was expected and what was seen.
 *
 * @example
 * ```ts
 * import { memoryPair } from '@vfp-ts/adapters/memory'
 * import { complianceCases } from '@vfp-ts/adapters/testing'
 *
 * const open = async () => {
 *   const { a, b } = memoryPair() // your own NIC goes here
 *   return { nic: a, peer: b }
 * }
 * for (const { title, run } of complianceCases.filter(({ title }) => title.includes('shortest'))) {
 *   await run({ open })
 *   console.log(`ok ${title}`)
 * }
 * ```
 *
 * ```text output
 * ok carries the shortest frames
 * ```
 */
export const complianceCases: readonly ComplianceCase[] = [...trafficCases, ...limitCases, ...lifeCases, ...costCases]
