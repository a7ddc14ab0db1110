/**
 * The security controller: who may speak to whom.
 *
 * Its policy is `policy/…/security.json`: one list for every VM, which the infrastructure's owner writes, and one for
 * each kind of VM, which the customer writes. They become two groups of the ACL layer, and **both** must allow.
 */
import { type LayerHandle, orThrow, type Port, strictly } from '@vfp-ts/core'
import { acl } from '@vfp-ts/layers'
import * as t from 'io-ts'
import { readPolicyFile } from '../policy-file.js'

const ORDER = 20

/** The lists' own content is the ACL layer's to read; here only which list is whose. */
const File = strictly({
  infrastructure: t.UnknownRecord,
  customer: t.readonlyArray(t.intersection([t.type({ vms: t.readonlyArray(t.string) }), t.UnknownRecord])),
}, 'a security policy')

/** Reads the policy once; the result programs ports with it. A customer's list for `*` is for VMs no other list names. */
export const security = (folder: string): ((port: Port) => LayerHandle<'acl'>) => {
  const { infrastructure, customer } = orThrow(readPolicyFile(folder, 'security.json', File))
  return (port) => {
    const handle = orThrow(port.addLayer(acl.layer, { order: ORDER }))
    const list = customer.find((c) => c.vms.includes(port.identity.name)) ?? customer.find((c) => c.vms.includes('*'))
    const { vms: _vms, ...entries } = list ?? { vms: [] }
    orThrow(handle.group('infrastructure', { order: 0 }).updateJson(infrastructure))
    orThrow(handle.group('customer', { order: 1 }).updateJson(entries))
    return handle
  }
}
