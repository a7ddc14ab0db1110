/**
 * The load balancer's controller: which servers stand behind which virtual address.
 *
 * Its policy is `policy/…/balancing.json`. `services` says what a VIP means on a server: the load-balancer layer of each
 * server turns VIP to DIP inbound and back outbound, and replies go straight to the client. `choice` says which server
 * a client gets; whoever routes to a VIP has to ask, as a multiplexer would be asked in a real network.
 */
import { type LayerHandle, orThrow, type Port, strictly } from '@vfp-ts/core'
import { loadBalancer } from '@vfp-ts/layers'
import * as t from 'io-ts'
import { readPolicyFile } from '../policy-file.js'

const ORDER = 30

const File = strictly({
  services: t.readonlyArray(t.intersection([t.type({ servers: t.readonlyArray(t.string) }), t.UnknownRecord])),
  choice: t.record(t.string, t.record(t.string, t.string)),
}, 'a load balancing policy')

/** The controller with its policy read. */
export interface Balancing {
  /** Gives a port its load-balancer layer: empty, unless the VM is a server. */
  readonly program: (port: Port) => LayerHandle<'load-balancer'>
  /** The server (a VM's name) that a client's connections to each VIP go to. */
  readonly choiceFor: (client: string) => ReadonlyMap<string, string>
}

/** Reads the policy once. */
export const balancing = (folder: string): Balancing => {
  const { services, choice } = orThrow(readPolicyFile(folder, 'balancing.json', File))
  return {
    program: (port) => {
      const handle = orThrow(port.addLayer(loadBalancer.layer, { order: ORDER }))
      const vips = services.filter((s) => s.servers.includes(port.identity.name)).map(({ servers: _servers, ...vip }) => vip)
      orThrow(handle.updateJson({ vips }))
      return handle
    },
    choiceFor: (client) => new Map(Object.entries(choice).flatMap(([vip, byClient]) => {
      const server = byClient[client] ?? byClient['otherwise']
      return server === undefined ? [] : [[vip, server] as const]
    })),
  }
}
