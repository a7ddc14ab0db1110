/**
 * The rule behind a service: an IPv4 packet becomes an IPv6 one, then a tunnel is put around it.
 *
 * The TTL is carried over: the link is one hop to both ends. A packet that an ICMP error of the VM quotes came from the service, so its
 * addresses are translated the other way about.
 *
 * @see RFC 7915; RFC 6052 §2.2
 */
import {
  compose, type Decision, defineRuleType, embedIpv4, type FlowContext, Ip, type IpAddress, type IpPrefix, type Mac, MacText, maskedAddress,
  type NetworkTunnel, Prefix, proceed, push, refuse, type RuleType, strictlyPartial, translateTransposition, Vni,
} from '@vfp-ts/core'
import { refined } from '../codecs.js'
import { Addresses, answersAt, Encap, OUTER_HEADER, type OuterHeader, sourceTowards, tunnelTo } from '../underlay.js'
import { chooseEndpoint } from '../vnet/ecmp.js'
import { type Encoding, EncodingCodec, SOURCE_BITS, versionObjection } from './config.js'

/** Parameters of a {@link privateLinkRule} rule. */
export interface PrivateLinkRuleConfig extends OuterHeader {
  /** The host's own physical addresses, at least one. */
  readonly underlay: readonly IpAddress[]
  /** Physical addresses at which the tunnel ends, at least one. */
  readonly pa: readonly IpAddress[]
  /** IPv6 prefix of 96 bits of the source address that the service sees. */
  readonly source: IpPrefix
  /** The service's IPv6 address. */
  readonly destination: IpAddress
  /** Network identifier of the tunnel, 24 bits. */
  readonly key: number
  /** Bits that are put over the source address; none unless said. */
  readonly encoding?: Encoding
  /** Encapsulation of the tunnel; `nvgre` unless said. */
  readonly encap?: NetworkTunnel
  /** Destination MAC of the inner frame; the one that the VM sent to unless said. */
  readonly mac?: Mac
}

const decide = (config: PrivateLinkRuleConfig, flow: FlowContext): Decision => {
  const vm = flow.ip('srcIp')
  if (vm?.version !== 4) return refuse('NotIpv4')
  const place = chooseEndpoint(config.pa.filter((pa) => sourceTowards(config.underlay, pa) !== undefined).map((pa) => ({ pa, mac: 0 })), flow.flowHash)
  const own = place && sourceTowards(config.underlay, place.pa)
  if (place === undefined || own === undefined) return refuse('NoUnderlay')
  const srcIp = sourceOf(config, vm)
  const dstIp = config.destination
  const translated = translateTransposition(
    { from: 4, to: 6 }, { srcIp, dstIp, ...(config.mac === undefined ? {} : { dstMac: config.mac }) }, 0, { srcIp: dstIp, dstIp: srcIp },
  )
  const tunnel = { encap: config.encap ?? 'nvgre', srcIp: own, dstIp: place.pa, vni: config.key }
  return proceed(compose(translated, push(tunnelTo(tunnel, config, flow.flowHash))))
}

/** Returns the address under which a service sees a VM. */
const sourceOf = ({ source, encoding }: PrivateLinkRuleConfig, vm: IpAddress): IpAddress =>
  embedIpv4(encoding === undefined ? source.address : maskedAddress(source.address, encoding.mask, encoding.value), SOURCE_BITS, vm)

/**
 * Rule type that translates an IPv4 packet to the service's IPv6 address and tunnels it there. In a stateful rule it is a link: answers are
 * translated back.
 *
 * The source address that the service sees has three parts: the 96 bits of `source`, over them the bits of `encoding`, and behind them the
 * VM's IPv4 address.
 *
 * Drops: `NotIpv4` for other packets, `NoUnderlay` if the host has no address of the IP version of any `pa`.
 *
 * @see RFC 7915; RFC 6052 §2.2
 */
export const privateLinkRule: RuleType<'private-link', PrivateLinkRuleConfig, object, undefined> = defineRuleType({
  name: 'private-link',
  config: refined<PrivateLinkRuleConfig, object, object>(
    strictlyPartial(
      { underlay: Addresses, pa: Addresses, source: Prefix, destination: Ip, key: Vni },
      { encoding: EncodingCodec, encap: Encap, mac: MacText, ...OUTER_HEADER },
      'a private link',
    ),
    versionObjection,
  ),
  tunnels: (config) => answersAt([config.encap ?? 'nvgre'], config),
  decide,
})
