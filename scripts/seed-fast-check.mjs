/**
 * Loaded by ava before each test file: gives every property of the run the seed in VFP_SEED, if one is set, so that
 * a whole run can be repeated. fast-check prints seed and path of a counterexample by itself. With VFP_NO_SHRINKING set the first
 * counterexample has to do.
 */
import fc from 'fast-check'

const seed = Number(process.env.VFP_SEED ?? '')
if (process.env.VFP_SEED !== undefined && Number.isInteger(seed)) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })
if (process.env.VFP_NO_SHRINKING !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true })
