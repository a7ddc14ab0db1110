/**
 * The load balancer's controller: which servers stand behind which virtual address.
 *
 * Its policy is `policy/…/balancing.json`. `services` says what a VIP means on a server: the load-balancer layer of each
 * server turns VIP to DIP inbound and back outbound, and replies go straight to the client. `choice` says which server
 * a client gets; whoever routes to a VIP has to ask, as a multiplexer would be asked in a real network.
 */
import { join } from 'node:path'
import { formatIp, Ip, type LayerHandle, orThrow, parseIp, type Port, strictly } from '@vfp-ts/core'
import { loadBalancer } from '@vfp-ts/layers'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { pointer } from '../json-pointer.js'
import { type BadPolicyFile, mistake, orBadFile, orRefuse, readPolicyFile } from '../policy-file.js'
import { nameProblem, someOf, type VmNames } from '../vm-names.js'

const ORDER = 30

/** The server of clients that are not named. */
const OTHERS = 'otherwise'

/** An address in the one way of writing it, so that texts can be compared. */
const IpText = new t.Type<string>('an IP address', t.string.is, (u, context) => E.map(Ip.encode)(Ip.validate(u, context)), (a) => a)

/** Besides `servers` and the VIP, a service is the load-balancer layer's to read. (`t.type` keeps what it does not know.) */
const File = strictly({
  services: t.readonlyArray(t.type({ vip: IpText, servers: t.readonlyArray(t.string, 'a list of names') }, 'a service'), 'a list of services'),
  choice: t.record(t.string, t.record(t.string, t.string, 'servers by client'), 'choices by VIP'),
}, 'a load balancing policy')

type Policy = t.TypeOf<typeof File>

/** The controller with its policy read. */
export interface Balancing {
  /** Gives a port its load-balancer layer: empty, unless the VM is a server. */
  readonly program: (port: Port) => LayerHandle<'load-balancer'>
  /** The server (a VM's name) that a client's connections to each VIP go to. */
  readonly choiceFor: (client: string) => ReadonlyMap<string, string>
}

/** Reads the policy once. */
export const balancing = (folder: string, vms: VmNames): Balancing => {
  const policy = orThrow(readPolicyFile(folder, 'balancing.json', File))
  const file = join(folder, 'balancing.json')
  orRefuse(mistakesIn(file, policy, vms))
  const { services, choice } = policy
  return {
    program: (port) => {
      const { name } = port.identity
      const handle = orThrow(port.addLayer(loadBalancer.layer, { order: ORDER }))
      const own = services.flatMap(({ servers, ...vip }, index) => (servers.includes(name) ? [{ index, vip }] : []))
      orBadFile(handle.updateJson({ vips: own.map(({ vip }) => vip) }), (path) => {
        // The layer counts the VIPs of this VM, the file all services.
        const [, position = '', rest = ''] = /^\/vips\/(\d+)(.*)$/.exec(path) ?? []
        const index = own[Number(position)]?.index
        return { file, path: position === '' || index === undefined ? '/services' : `${pointer('services', index)}${rest}`, vm: name }
      })
      return handle
    },
    choiceFor: (client) => new Map(Object.entries(choice).flatMap(([vip, byClient]) => {
      const server = byClient[client] ?? byClient[OTHERS]
      return server === undefined ? [] : [[vip, server] as const]
    })),
  }
}

const mistakesIn = (file: string, { services, choice }: Policy, vms: VmNames): readonly BadPolicyFile[] => {
  const errors: BadPolicyFile[] = []
  const bad = (path: string, reason: string | undefined): void => {
    if (reason !== undefined) errors.push(mistake({ file, path, vm: null }, reason))
  }
  for (const [i, { servers }] of services.entries()) {
    if (servers.length === 0) bad(pointer('services', i, 'servers'), 'a service has at least one server')
    for (const [j, server] of servers.entries()) bad(pointer('services', i, 'servers', j), nameProblem(vms, server))
  }
  for (const [vip, byClient] of Object.entries(choice)) {
    const ip = E.toUnion(E.mapLeft(() => undefined)(parseIp(vip)))
    const servers = services.filter((s) => ip !== undefined && s.vip === formatIp(ip)).flatMap((s) => s.servers)
    if (ip === undefined) bad(pointer('choice', vip), 'expected a VIP: an IP address')
    else if (servers.length === 0) bad(pointer('choice', vip), `no service has the VIP ${vip}`)
    for (const [client, server] of Object.entries(byClient)) {
      const path = pointer('choice', vip, client)
      if (client !== OTHERS) bad(path, nameProblem(vms, client))
      const problem = nameProblem(vms, server)
      bad(path, problem ?? (servers.length === 0 || servers.includes(server) ? undefined : `"${server}" does not serve ${vip}, but ${someOf([...new Set(servers)])}`))
    }
  }
  return errors
}
