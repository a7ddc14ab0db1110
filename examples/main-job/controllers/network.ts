/**
 * The network controller: a tenant's own address space over an underlay that knows nothing of it.
 *
 * Its policy is `policy/…/network.json`: the tenant's VNI and routes. Where each address lives it looks up in whatever
 * directory it is given.
 */
import { join } from 'node:path'
import { type LayerHandle, MacText, orThrow, type Port, strictly, Vni } from '@vfp-ts/core'
import { vnet, type VnetDirectory } from '@vfp-ts/layers'
import * as t from 'io-ts'
import { orBadFile, readPolicyFile } from '../policy-file.js'

/** Nearest the wire. */
const ORDER = 40

/** With more VMs than this, routes to each VM on each port would be too many: they speak in plain, as to the internet. */
const MOST_ROUTES_TO_VMS = 64

const File = strictly({ vni: Vni, routes: t.readonlyArray(t.unknown), routesToEachVm: t.boolean, nextHopMac: MacText }, 'a network policy')

/** What the controller is told of the host a port is on, and of the network around. */
export interface Place {
  /** Addresses of the host, at least one. */
  readonly underlay: readonly string[]
  readonly underlayMac: string
  readonly directory: VnetDirectory
  /** Addresses of all VMs, as `address/length`. */
  readonly vms: readonly string[]
}

/** The controller with its policy read. */
export interface Network {
  readonly vni: number
  readonly program: (port: Port, place: Place) => LayerHandle<'vnet'>
}

/** Reads the policy once. `everywhere` replaces the policy's routes by one: every address is in the virtual network. */
export const network = (folder: string, everywhere: boolean): Network => {
  const { vni, routes, routesToEachVm, nextHopMac } = orThrow(readPolicyFile(folder, 'network.json', File))
  // The layer gets the file's routes first and after them those to each VM.
  const inFile = (path: string): string => {
    const [, index] = /^\/routes\/(\d+)/.exec(path) ?? []
    return index !== undefined && Number(index) >= routes.length ? '/routesToEachVm' : path
  }
  return {
    vni,
    program: (port, { underlay, underlayMac, directory, vms }) => {
      const handle = orThrow(port.addLayer(vnet.layer, { order: ORDER }))
      const toVms = routesToEachVm && vms.length <= MOST_ROUTES_TO_VMS ? vms : []
      orBadFile(handle.updateJson({
        vni, underlay, underlayMac, directory,
        nextHopMac: MacText.encode(nextHopMac),
        routes: everywhere ? ['0.0.0.0/0', '::/0'] : [...routes, ...toVms],
      }), (path) => ({ file: join(folder, 'network.json'), path: inFile(path), vm: null }))
      return handle
    },
  }
}
