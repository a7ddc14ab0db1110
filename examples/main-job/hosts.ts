/**
 * Hosts: each VM on a switch of its own, and who finds whom on the wire between them.
 *
 * Here the four controllers meet, and only here: each is handed the ports, one after another, and programs its own
 * layer of them. The application joins what belongs together, as the server a load balancer chose and the directory
 * that routes to it; no controller knows of another.
 */
import { join } from 'node:path'
import { type Clock, directory, type IpAddress, type Mac, openSwitch, orThrow, parseIp, parseMac, type Port } from '@vfp-ts/core'
import { balancing } from './controllers/balancing.js'
import { billing } from './controllers/billing.js'
import { network } from './controllers/network.js'
import { security } from './controllers/security.js'
import { type AddressKey, addressKey } from './frame-facts.js'
import type { Vm } from './inventory.js'
import { pointer } from './json-pointer.js'
import { orBadFile } from './policy-file.js'
import { type Redirect, vipDirectory } from './vip-directory.js'

/** A VM, its port, and where its frames go over the wire. */
export interface Host {
  readonly vm: Vm
  /** Number of the host, from 0. */
  readonly index: number
  readonly port: Port
}

/** All hosts. */
export interface Hosts {
  readonly all: readonly Host[]
  /** The host of a VM by one of the VM's own addresses. */
  readonly byAddress: ReadonlyMap<AddressKey, Host>
  /** By an underlay address. */
  readonly byUnderlay: ReadonlyMap<AddressKey, Host>
  /** By the VM's MAC, where one VM alone has it. */
  readonly byMac: ReadonlyMap<Mac, Host>
}

/** What hosts are made from. */
export interface HostsSpec {
  readonly vms: readonly Vm[]
  /** Folder of the policy files. */
  readonly policy: string
  readonly clock: Clock
  /** Whether every address is in the virtual network, whatever the policy's routes say. */
  readonly everywhere: boolean
  /** Whether the VMs were found in the capture, rather than named by the policy. */
  readonly found: boolean
  /** Told of what a policy leaves open. */
  readonly warn: (text: string) => void
}

/**
 * Opens a switch for each VM and has the controllers program its port.
 *
 * @throws VfpError if a policy file is bad or a policy is refused
 */
export const openHosts = ({ vms, policy, clock, everywhere, found, warn }: HostsSpec): Hosts => {
  const names = { names: vms.map((vm) => vm.name), found }
  const controllers = {
    billing: billing(policy), security: security(policy, names, warn), balancing: balancing(policy, names), network: network(policy, everywhere),
  }
  const { vni } = controllers.network
  const shared = directory('ca-to-pa')
  for (const vm of vms) {
    const at = vm.underlay.map((pa) => ({ pa, mac: vm.mac }))
    for (const ip of vm.ips) orThrow(shared.add({ vni, ip, at }))
  }
  const prefixes = vms.flatMap((vm) => vm.ips.map((ip) => `${ip}/${ip.includes(':') ? 128 : 32}`))

  const all = vms.map((vm, index): Host => {
    const port = orBadFile(
      openSwitch({ clock }).addPort({ name: vm.name, mac: vm.mac, ip: vm.ips, vni }),
      (path) => ({ file: join(policy, 'vms.json'), path: `${pointer(vm.name)}${path}`, vm: null }),
    )
    controllers.billing(port)
    controllers.security(port)
    controllers.balancing.program(port)
    controllers.network.program(port, {
      underlay: vm.underlay,
      underlayMac: `02:00:00:00:${byte(index >>> 8)}:${byte(index)}`,
      directory: vipDirectory(shared, redirects(vms, controllers.balancing.choiceFor(vm.name))),
      vms: prefixes,
    })
    return { vm, index, port }
  })
  return {
    all,
    byAddress: new Map(all.flatMap((host) => host.vm.ips.map((ip) => [key(ip), host] as const))),
    byUnderlay: new Map(all.flatMap((host) => host.vm.underlay.map((pa) => [key(pa), host] as const))),
    byMac: soleOwners(all),
  }
}

/** MACs that one VM alone has: behind a router all addresses share the router's. */
const soleOwners = (hosts: readonly Host[]): ReadonlyMap<Mac, Host> => {
  const owners = new Map<Mac, Host[]>()
  for (const host of hosts) {
    const mac = orThrow(parseMac(host.vm.mac))
    owners.set(mac, [...(owners.get(mac) ?? []), host])
  }
  return new Map([...owners].flatMap(([mac, [first, ...others]]) => (first === undefined || others.length > 0 ? [] : [[mac, first] as const])))
}

/** Chosen servers' names as addresses, of each VIP's IP version. */
const redirects = (vms: readonly Vm[], choice: ReadonlyMap<string, string>): readonly Redirect[] =>
  [...choice].flatMap(([text, server]) => {
    const vip = orThrow(parseIp(text))
    const dip = vms.find((vm) => vm.name === server)?.ips.map(address).find((ip) => ip.version === vip.version)
    return dip === undefined ? [] : [{ vip, dip }]
  })

const address = (text: string): IpAddress => orThrow(parseIp(text))
const key = (text: string): AddressKey => addressKey(address(text))
const byte = (n: number): string => (n & 255).toString(16).padStart(2, '0')
