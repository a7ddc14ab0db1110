/**
 * Each protocol's own module: offsets, accessors over bytes, representation, parse, emit and display.
 *
 * For reading or making single headers; whole frames are `parseFrame`'s, `dissect`'s and `emitFrame`'s.
 */
export * as arp from './arp.js'
export * as bytes from './bytes.js'
export * as checksum from './checksum.js'
export * as correctChecksum from './correct-checksum.js'
export * as ethernet from './ethernet.js'
export * as geneve from './geneve.js'
export * as gre from './gre.js'
export * as icmp from './icmp.js'
export * as icmpv6 from './icmpv6.js'
export * as ipv4 from './ipv4.js'
export * as ipv6 from './ipv6.js'
export * as ipv6Extension from './ipv6-extension.js'
export * as ipv6Options from './ipv6-options.js'
export * as ipv6Routing from './ipv6-routing.js'
export * as ndp from './ndp.js'
export * as ndpOptions from './ndp-options.js'
export * as ndpRules from './ndp-rules.js'
export * as nvgre from './nvgre.js'
export * as tcp from './tcp.js'
export * as tcpOptions from './tcp-options.js'
export * as transportChecksum from './transport-checksum.js'
export * as udp from './udp.js'
export * as vlan from './vlan.js'
export * as vxlan from './vxlan.js'
