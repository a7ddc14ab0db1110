/**
 * The security controller: who may speak to whom.
 *
 * Its policy is `policy/…/security.json`: one list for every VM, which the infrastructure's owner writes, and one for
 * each kind of VM, which the customer writes. They become two groups of the ACL layer, and **both** must allow.
 */
import { join } from 'node:path'
import { type LayerHandle, orThrow, type Port, strictly } from '@vfp-ts/core'
import { acl } from '@vfp-ts/layers'
import * as t from 'io-ts'
import { pointer } from '../json-pointer.js'
import { type BadPolicyFile, mistake, orBadFile, orRefuse, readPolicyFile } from '../policy-file.js'
import { nameProblem, someOf, type VmNames } from '../vm-names.js'

const ORDER = 20

/** The list for VMs that no other list names. */
const OTHERS = '*'

/** The lists' own content is the ACL layer's to read; here only which list is whose. (`t.type` keeps what it does not know.) */
const File = strictly({
  infrastructure: t.UnknownRecord,
  customer: t.readonlyArray(t.type({ vms: t.readonlyArray(t.string, 'a list of names') }, 'a customer\'s list'), 'a list of lists'),
}, 'a security policy')

/** Reads the policy once; the result programs ports with it. `warn` is told of VMs that may say nothing to anybody. */
export const security = (folder: string, vms: VmNames, warn: (text: string) => void): ((port: Port) => LayerHandle<'acl'>) => {
  const { infrastructure, customer } = orThrow(readPolicyFile(folder, 'security.json', File))
  const file = join(folder, 'security.json')
  const listOf = new Map<string, number>()
  const errors: BadPolicyFile[] = []
  const bad = (path: string, reason: string): number => errors.push(mistake({ file, path, vm: null }, reason))
  for (const [i, list] of customer.entries()) {
    if (list.vms.length === 0) bad(pointer('customer', i, 'vms'), 'a list is for at least one VM')
    for (const [j, name] of list.vms.entries()) {
      const problem = name === OTHERS ? undefined : nameProblem(vms, name)
      const first = listOf.get(name)
      if (problem !== undefined) bad(pointer('customer', i, 'vms', j), problem)
      else if (first === undefined) listOf.set(name, i)
      else bad(pointer('customer', i, 'vms', j), `"${name}" has a list already: ${pointer('customer', first)}`)
    }
  }
  const without = listOf.has(OTHERS) ? [] : vms.names.filter((name) => !listOf.has(name))
  const unlisted = `no list names ${someOf(without)}, and there is none for all others ("${OTHERS}"): whatever they send and get is dropped`
  // What VMs a capture brings is not the file's fault.
  if (without.length > 0 && vms.found) warn(`${file} /customer: ${unlisted}`)
  else if (without.length > 0) bad('/customer', unlisted)
  orRefuse(errors)

  return (port) => {
    const { name } = port.identity
    const handle = orThrow(port.addLayer(acl.layer, { order: ORDER }))
    const index = listOf.get(name) ?? listOf.get(OTHERS)
    const { vms: _vms, ...entries } = (index === undefined ? undefined : customer[index]) ?? { vms: [] }
    orBadFile(handle.group('infrastructure', { order: 0 }).updateJson(infrastructure), (path) => ({ file, path: `/infrastructure${path}`, vm: null }))
    orBadFile(handle.group('customer', { order: 1 }).updateJson(entries), (path) => ({ file, path: `${pointer('customer', index ?? 0)}${path}`, vm: name }))
    return handle
  }
}
