/**
 * Addresses that mean something on one link alone. A route to the internet holds them by its numbers (0.0.0.0/0, `::/0`), but no router
 * forwards them: a VM's router advertisement, its DHCP request or its neighbour discovery must not appear on the underlay's links, and what hosts
 * of the underlay say to their own links must not reach a VM. So they are cut out of such routes, unless the policy has a route of just that prefix or a longer one.
 *
 * @see RFC 4291 §2.5.2, §2.5.3, §2.5.6, §2.7; RFC 1122 §3.2.1.3; RFC 3927 §7; RFC 5771 §4
 */
import { formatPrefix, type IpPrefix, ipv4, prefixContains } from '@vfp-ts/core'
import type { VnetRoute } from './config.js'

const four = (address: number, length: number): IpPrefix => ({ address: ipv4(address), length })
const six = (words: readonly [number, number, number, number], length: number): IpPrefix => ({ address: { version: 6, words }, length })

const LINK_SCOPE: readonly IpPrefix[] = [
  four(0, 8), four(0x7f00_0000, 8), four(0xa9fe_0000, 16), four(0xe000_0000, 24), four(0xffff_ffff, 32),
  six([0, 0, 0, 0], 128), six([0, 0, 0, 1], 128), six([0xfe80_0000, 0, 0, 0], 10), six([0xff01_0000, 0, 0, 0], 16), six([0xff02_0000, 0, 0, 0], 16),
]

/** Returns those prefixes that only a shorter route to the internet holds. */
export const cutOut = (routes: readonly VnetRoute[]): readonly IpPrefix[] =>
  LINK_SCOPE.filter((prefix) => {
    const holding = routes.filter((route) => route.prefix.length <= prefix.length && prefixContains(route.prefix, prefix.address))
    const longest = holding.reduce<VnetRoute | undefined>((best, route) => (best === undefined || route.prefix.length > best.prefix.length ? route : best), undefined)
    return longest?.to === 'internet' && longest.prefix.length < prefix.length
  })

/** Returns the name of the rule that drops packets to such a prefix. */
export const cutOutName = (prefix: IpPrefix): string => `link ${formatPrefix(prefix)}`
