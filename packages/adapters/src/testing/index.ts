/**
 * The compliance suite: what every NIC has to pass, for any test runner.
 *
 * @packageDocumentation
 */
export type { ComplianceBench, ComplianceCase, ComplianceOpened, ComplianceWrapping, RawPeer } from './bench.js'
export { complianceCases } from './compliance.js'
