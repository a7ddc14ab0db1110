/** The fields that an edit can set, in the order in which texts name them, and how their values are written. */
import type { Changes } from './header-transposition.js'

/** How the values of a field are written: addresses as text, numbers, `'request'` or `'reply'`, or an expression over the original frame. */
export type ChangeKind = 'mac' | 'ip' | 'number' | 'echo' | 'dscp' | 'ecn' | 'ttl'

/** The kind of every field that can be set. */
export const CHANGE_KINDS: { readonly [K in keyof Changes]-?: ChangeKind } = {
  srcMac: 'mac', dstMac: 'mac', srcIp: 'ip', dstIp: 'ip', dscp: 'dscp', ecn: 'ecn', ttl: 'ttl', srcPort: 'number', dstPort: 'number', tcpFlags: 'number',
  icmpId: 'number', echo: 'echo', vni: 'number', arpOperation: 'number', arpSenderMac: 'mac', arpSender: 'ip', arpTargetMac: 'mac', arpTarget: 'ip',
}

/** Names of the fields that can be set. */
export const CHANGE_NAMES = Object.keys(CHANGE_KINDS) as readonly (keyof Changes)[]

/** Names of the fields of a quoted packet that can be set. */
export const QUOTE_NAMES = ['srcIp', 'dstIp', 'srcPort', 'dstPort', 'icmpId'] as const

/** ECN codepoints as texts name them, by number. @see RFC 3168 §5 */
export const ECN_NAMES = ['not-ect', 'ect1', 'ect0', 'ce'] as const

/** Whether text is the name of a field that can be set. */
export const isChangeName = (name: string): name is keyof Changes => Object.hasOwn(CHANGE_KINDS, name)
