/** The compliance suite as one list, in the order in which a new adapter best passes it. */
import type { ComplianceCase } from './bench.js'
import { costCases } from './cost-cases.js'
import { lifeCases } from './life-cases.js'
import { limitCases } from './limit-cases.js'
import { trafficCases } from './traffic-cases.js'

/** Every case that a NIC has to pass; run them one after another. */
export const complianceCases: readonly ComplianceCase[] = [...trafficCases, ...limitCases, ...lifeCases, ...costCases]
