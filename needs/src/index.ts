/**
 * What tests need beside Node, in one place. A test file that needs more than Node says so:
 *
 * ```ts
 * const test = testNeeding('root', 'network namespaces', 'ip', 'ping')
 * ```
 *
 * and uses this `test` as it would use ava's. Where a need is not met, its tests are skipped and say what is missing and which Debian
 * package has it; where `CI` is on, they fail.
 */
export { isOn } from './flag.js'
export { folderOfCaptures, isMet, type Lack, missing, type Need } from './need.js'
export { DEBIAN_PACKAGES, type Program } from './programs.js'
export { type NeedyTest, testNeeding } from './test-needing.js'
