/**
 * A set of physical addresses that may send tunnels, per virtual network: what a controller fills while hosts come and go.
 *
 * A changed entry touches just the flows from that source; the port's policy stays as it is. Addresses that are not in
 * the set share one cell, which every addition bumps: strangers cannot fill memory, and are looked up again once somebody
 * was added. An entry costs some hundred bytes, a lookup one `Map` access.
 *
 * @see VFP §5.5
 */
import { badCustomerAddress, formatCustomerAddress, formatIp, type IpAddress, type Lookup, type Resource } from '@vfp-ts/core'

/** Who sends tunnels of a network. */
export interface PaSource {
  /** Virtual network, 24 bits. */
  readonly vni: number
  /** Physical address: the source of the outer header. */
  readonly ip: IpAddress
}

/** Where valid sources are looked up. What is found is a valid source, whatever the value. */
export type PaSourceSet = Resource<PaSource, unknown>

/** A set in memory. */
export interface PaSources extends Resource<PaSource, true> {
  /** Adds a source; `false` if it was there. */
  readonly add: (source: PaSource) => boolean
  /** Removes a source; `false` if there was none. Flows from it are decided anew at their next packet. */
  readonly remove: (source: PaSource) => boolean
  /** Number of sources. */
  readonly size: () => number
}

/** An empty set of valid sources. */
export const paSources = (name = 'pa-sources'): PaSources => {
  const entries = new Map<string, { version: number }>()
  const absent = { version: 0 }
  return {
    name,
    // A source is written as a customer address is, and is as well formed.
    formatKey: formatCustomerAddress,
    checkKey: badCustomerAddress,
    lookup: (source): Lookup<true> => {
      const cell = badCustomerAddress(source) === undefined ? entries.get(keyOf(source)) : undefined
      return cell === undefined ? { _tag: 'Absent', cell: absent } : { _tag: 'Found', value: true, cell }
    },
    add: (source) => {
      const key = keyOf(source)
      if (entries.has(key)) return false
      entries.set(key, { version: 0 })
      absent.version++
      return true
    },
    remove: (source) => {
      const key = keyOf(source)
      const cell = entries.get(key)
      if (cell === undefined) return false
      cell.version++
      return entries.delete(key)
    },
    size: () => entries.size,
  }
}

const keyOf = ({ vni, ip }: PaSource): string => `${vni}/${formatIp(ip)}`
