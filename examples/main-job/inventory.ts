/** Which virtual machines there are, and where: what a compute fabric knows before any network policy is written. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Ip, MacText, strictly, type TaggedError } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { readPolicyFile } from './policy-file.js'

/** A virtual machine on a host of its own. Addresses are text. */
export interface Vm {
  /** Names its port, too. */
  readonly name: string
  readonly mac: string
  /** Its addresses inside the virtual network (CA). */
  readonly ips: readonly string[]
  /** The addresses of its host (PA), at least one: with several, flows to this VM are spread over them (ECMP). */
  readonly underlay: readonly string[]
}

const Inventory = t.record(t.string, strictly({ mac: MacText, ip: t.readonlyArray(Ip), underlay: t.readonlyArray(Ip) }, 'a VM'))

/** The VMs of a policy folder's `vms.json`, or `undefined` if it has none and VMs are to be found in the capture. */
export const readInventory = (folder: string): E.Either<TaggedError, readonly Vm[] | undefined> => {
  if (!existsSync(join(folder, 'vms.json'))) return E.right(undefined)
  return E.map((inventory: t.TypeOf<typeof Inventory>) => {
    const texts = Inventory.encode(inventory)
    return Object.entries(texts).map(([name, vm]): Vm => ({ name, mac: vm.mac, ips: vm.ip, underlay: vm.underlay }))
  })(readPolicyFile(folder, 'vms.json', Inventory))
}

/**
 * A VM that was seen in a capture. Its host gets an address out of 198.18.0.0/15, which no real network uses.
 *
 * @see RFC 2544 appendix C.2.2
 */
export const foundVm = (index: number, address: string, mac: string): Vm => {
  const n = index + 1
  return { name: address, mac, ips: [address], underlay: [`198.${18 + (n >>> 16)}.${(n >>> 8) & 255}.${n & 255}`] }
}
