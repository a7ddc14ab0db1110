/** Configurations and addresses as the tests of the underlay need them. */
import { type IpAddress, type Mac, orThrow, parseIp, parseMac } from '@vfp-ts/core'
import type { Nic } from '../../src/nic/nic.js'
import { readOptions, type UnderlayConfig, type UnderlayOptions } from '../../src/underlay/underlay-options.js'

/** An address from text that is known to be right. */
export const ip = (text: string): IpAddress => orThrow(parseIp(text))

/** A MAC from text that is known to be right. */
export const mac = (text: string): Mac => orThrow(parseMac(text))

/** The MAC of the host that is tried. */
export const HOST_MAC = '02:00:00:00:0a:01'

/** What of a NIC the options look at. */
export const named: Pick<Nic, 'name' | 'mac'> = { name: 'eth0', mac: HOST_MAC }

/** Options read, with an address of each version unless others are given. */
export const config = (options: Partial<UnderlayOptions> = {}): UnderlayConfig =>
  orThrow(readOptions(named, { addresses: ['192.0.2.1/24', '2001:db8::1/64'], ...options }))
