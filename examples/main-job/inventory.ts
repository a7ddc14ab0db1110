/** Which virtual machines there are, and where: what a compute fabric knows before any network policy is written. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Ip, MacText, strictly } from '@vfp-ts/core'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { pointer } from './json-pointer.js'
import { all, type BadPolicyFile, type BadPolicyFiles, mistake, readPolicyFile } from './policy-file.js'

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

const Inventory = t.record(t.string, strictly({ mac: MacText, ip: t.readonlyArray(Ip), underlay: t.readonlyArray(Ip) }, 'a VM'), 'VMs by name')

/** Names that mean something else in other files: a list for all other VMs, and the server of all other clients. */
const RESERVED: readonly string[] = ['', '*', 'otherwise']

/** The VMs of a policy folder's `vms.json`, or `undefined` if it has none and VMs are to be found in the capture. */
export const readInventory = (folder: string): E.Either<BadPolicyFiles, readonly Vm[] | undefined> => {
  if (!existsSync(join(folder, 'vms.json'))) return E.right(undefined)
  const read = readPolicyFile(folder, 'vms.json', Inventory)
  if (E.isLeft(read)) return read
  const vms = Object.entries(Inventory.encode(read.right)).map(([name, vm]): Vm => ({ name, mac: vm.mac, ips: vm.ip, underlay: vm.underlay }))
  const errors = mistakesIn(join(folder, 'vms.json'), vms)
  return errors.length === 0 ? E.right(vms) : E.left(all(errors))
}

/** Two VMs cannot share a MAC or an address, nor their hosts one: whoever came second would get the first one's frames. */
const mistakesIn = (file: string, vms: readonly Vm[]): readonly BadPolicyFile[] => {
  const errors: BadPolicyFile[] = []
  const bad = (path: string, reason: string): number => errors.push(mistake({ file, path, vm: null }, reason))
  const owners = new Map<string, string>()
  const own = (what: string, text: string, path: string): void => {
    const owner = owners.get(`${what} ${text}`)
    if (owner === undefined) owners.set(`${what} ${text}`, path)
    else bad(path, `${what} ${text} is taken by ${owner}`)
  }
  for (const { name, mac, ips, underlay } of vms) {
    if (RESERVED.includes(name)) bad(pointer(name), `a VM cannot be named "${name}"`)
    own('MAC', mac, pointer(name, 'mac'))
    if (ips.length === 0) bad(pointer(name, 'ip'), 'a VM has at least one address')
    ips.forEach((ip, i) => { own('address', ip, pointer(name, 'ip', i)) })
    if (underlay.length === 0) bad(pointer(name, 'underlay'), 'a host has at least one address')
    underlay.forEach((pa, i) => { own('host address', pa, pointer(name, 'underlay', i)) })
  }
  return errors
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
