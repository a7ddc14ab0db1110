/**
 * Who talks to whom: what a layer of the slow oracle knows a connection by. Written out from the headers as text, and
 * compared as text.
 */
import { dissect } from '../../wire/dissect.js'
import { formatIp } from '../../wire/address.js'
import type { Frame, HeaderGroup, NetworkHeader } from '../../wire/frame.js'
import type { Direction } from '../../flow/flow-id.js'
import { Shape, Word, WORDS } from '../../flow/layout.js'
import { readIp } from '../../transposition/read-flow.js'
import { L4, QUOTE } from '../../wire/frame-view.js'
import type { SlowFrame } from './slow-frame.js'
import { TEST_ENDS } from '../transposition-values.js'

/** Both ends of a packet, per header group, and what the ends have in common. */
export interface Identity {
  readonly from: readonly string[]
  readonly to: readonly string[]
  readonly common: readonly string[]
}

/** The identity of a frame's packets. */
export const identityOf = (frame: SlowFrame): Identity => {
  const { groups } = dissected(frame.bytes, frame.depth)
  const ends = groups.map(endsOf)
  return { from: ends.map((e) => e.from), to: ends.map((e) => e.to), common: ends.map((e) => e.common) }
}

/** The identity of the packets that answer. */
export const answerTo = ({ from, to, common }: Identity): Identity => ({ from: to, to: from, common })

/**
 * The identity of an answer to the packet that an ICMP error quotes: the error's own, in its tunnels and with its tags, but with the ends of
 * the quoted packet, changed about, for its innermost ones.
 */
export const answerToQuoted = (error: SlowFrame, words: Uint32Array): Identity => {
  const own = identityOf(error)
  const tags = vlansOf(dissected(error.bytes, error.depth).groups.at(-1)!).map((tag) => `/vlan ${tag.tpid.toString(16)} ${tag.vid}`).join('')
  const w = QUOTE * WORDS
  const [source, destination] = [formatIp(readIp(words, QUOTE, Word.SRC_IP)), formatIp(readIp(words, QUOTE, Word.DST_IP))]
  const common = `${words[w + Word.PROTO]! >>> 16}/${words[w + Word.PROTO]! & 0xff}${tags}`
  const ports = words[w + Word.PORTS]!
  const l4 = (words[w]! >>> Shape.L4_SHIFT) & Shape.PART_MASK
  const ends = (from: string, to: string, more = ''): Identity => ({
    from: [...own.from.slice(0, -1), from], to: [...own.to.slice(0, -1), to], common: [...own.common.slice(0, -1), common + more],
  })
  if (l4 === L4.Tcp || l4 === L4.Udp) return ends(`${destination} ${ports & 0xffff}`, `${source} ${ports >>> 16}`)
  if (l4 === L4.None) return ends(destination, source, '/none')
  const type = words[w + Word.ICMP]! >>> 8
  const code = words[w + Word.ICMP]! & 0xff
  const what = MESSAGES[l4 === L4.Icmp ? 'icmp' : 'icmpv6'][type]
  return what === undefined
    ? ends(`${destination} ${type}.${code}`, `${source} ${type}.${code}`)
    : ends(`${destination} ${what.answered}`, `${source} ${what.sent}`, `/code ${code}/id ${ports >>> 16}`)
}

/** Whether packets of these directions and identities are of one way of one connection. */
export const sameIdentity = (d: Direction, a: Identity, e: Direction, b: Identity): boolean => d === e && JSON.stringify(a) === JSON.stringify(b)

/** Which datagram a fragment belongs to: its tenants, addresses, identification, and over IPv4 its protocol. */
export const datagramOf = (frame: SlowFrame): string => {
  const { groups } = dissected(frame.bytes, frame.depth)
  const innermost = groups[groups.length - 1]!.net
  const tenants = groups.map((g) => [tenantOf(g.tunnel), vlansOf(g).map((tag) => `${tag.tpid} ${tag.vid}`)])
  if (innermost?.kind === 'ipv4') {
    return JSON.stringify([tenants, 4, formatIp(innermost.source), formatIp(innermost.destination), innermost.identification, innermost.protocol])
  }
  if (innermost?.kind !== 'ipv6') throw new Error('only IP datagrams have fragments')
  const header = innermost.extensions.find((e) => e.kind === 'fragment')
  return JSON.stringify([tenants, 6, formatIp(innermost.source), formatIp(innermost.destination), header?.identification])
}

/** The tags that name a VLAN. */
const vlansOf = (group: HeaderGroup): HeaderGroup['vlans'] => group.vlans.filter((tag) => tag.vid !== 0)

/** The kind of a tunnel and its network. */
const tenantOf = (tunnel: HeaderGroup['tunnel']): string | undefined =>
  tunnel === undefined || tunnel.kind === 'gre' ? tunnel?.kind : `${tunnel.kind} ${tunnel.vni}`

const dissected = (bytes: Uint8Array, depth: number): Frame => {
  const frame = dissect(bytes, depth, [], TEST_ENDS)
  if (frame._tag === 'Left') throw new Error(`a frame that parsed cannot be read: ${frame.left.detail}`)
  return frame.right
}

const endsOf = (group: HeaderGroup): { readonly from: string; readonly to: string; readonly common: string } => {
  const { eth, net, transport, tunnel } = group
  const [source, destination] = addressesOf(net)
  const protocol = net === undefined || net.kind === 'arp' ? 0 : net.protocol
  const common = `${eth.etherType}/${protocol}${vlansOf(group).map((tag) => `/vlan ${tag.tpid.toString(16)} ${tag.vid}`).join('')}`
  if (tunnel !== undefined) return { from: source, to: destination, common: `${common}/${tenantOf(tunnel) ?? ''}` }
  switch (transport?.kind) {
    case 'tcp':
    case 'udp':
      return { from: `${source} ${transport.sourcePort}`, to: `${destination} ${transport.destinationPort}`, common }
    case 'icmp':
    case 'icmpv6': {
      // What one end asks, the other answers: an end is told by what it sends.
      const what = MESSAGES[transport.kind][transport.type]
      const code = `${transport.type}.${transport.code}`
      return what === undefined
        ? { from: `${source} ${code}`, to: `${destination} ${code}`, common }
        : { from: `${source} ${what.sent}`, to: `${destination} ${what.answered}`, common: `${common}/code ${transport.code}/id ${(transport.rest ?? 0) >>> 16}` }
    }
    case undefined:
      return { from: source, to: destination, common: `${common}/none` }
  }
}

/** Echo messages: what is sent, and what the other end sends back. */
const MESSAGES: Readonly<Record<'icmp' | 'icmpv6', Readonly<Record<number, { readonly sent: string; readonly answered: string }>>>> = {
  icmp: { 8: { sent: 'request', answered: 'reply' }, 0: { sent: 'reply', answered: 'request' } },
  icmpv6: { 128: { sent: 'request', answered: 'reply' }, 129: { sent: 'reply', answered: 'request' } },
}

/** Whether a packet may begin a connection: one of IP, and of ICMP only an echo request. */
export const mayBegin = (frame: SlowFrame): boolean => {
  const innermost = dissected(frame.bytes, frame.depth).groups.at(-1)
  if (innermost?.net === undefined || innermost.net.kind === 'arp') return false
  const { transport } = innermost
  return transport === undefined || (transport.kind !== 'icmp' && transport.kind !== 'icmpv6') || MESSAGES[transport.kind][transport.type]?.sent === 'request'
}

const addressesOf = (net: NetworkHeader | undefined): readonly [string, string] => {
  switch (net?.kind) {
    case undefined: return ['', '']
    case 'arp': return [formatIp(net.senderIp), formatIp(net.targetIp)]
    case 'ipv4':
    case 'ipv6': return [formatIp(net.source), formatIp(net.destination)]
  }
}
