/**
 * The billing controller: how much each VM says to whom.
 *
 * Its policy is `policy/…/billing.json`: prefixes, each with counters of its own. It holds a handle to the meter layers
 * it added and to nothing else.
 */
import { join } from 'node:path'
import { type LayerHandle, orThrow, type Port } from '@vfp-ts/core'
import { meter } from '@vfp-ts/layers'
import * as t from 'io-ts'
import { orBadFile, readPolicyFile } from '../policy-file.js'

/** Nearest the VM, so that it counts what the VM sees: no tunnel, and VIPs where the VM speaks to VIPs. */
const ORDER = 10

/** Reads the policy once; the result programs ports with it. */
export const billing = (folder: string): ((port: Port) => LayerHandle<'meter'>) => {
  const policy = orThrow(readPolicyFile(folder, 'billing.json', t.UnknownRecord))
  return (port) => {
    const handle = orThrow(port.addLayer(meter.layer, { order: ORDER }))
    orBadFile(handle.updateJson(policy), (path) => ({ file: join(folder, 'billing.json'), path, vm: null }))
    return handle
  }
}
