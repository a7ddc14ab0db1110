/**
 * Payloads encrypted between two hosts: work on the packet's data, done by an action context (VFP §6.2).
 *
 * A rule decides once a flow; what it attaches runs for each packet. Here that is AES-256-GCM: the sender's host encrypts what lies
 * behind the VM's TCP or UDP header and then puts the tunnel around it, the receiver's host takes the tunnel off and
 * decrypts. The VMs notice nothing but their MTU.
 *
 * The layout is that of ESP (RFC 4106 §3, §4, §6): an eight-byte counter in front, a 16-byte tag behind, and a nonce of the
 * sender's four-byte salt and that counter. A nonce must never come twice under one key. So the counter never goes back, each direction has
 * a salt of its own, and a new run needs a new key. Left out to stay short: exchange and change of keys, and a window against
 * replayed packets. Headers are not covered by the tag.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { type ActionContext, buildFrame, decap, defineRuleType, dissect, encap, openSwitch, orThrow, proceed, rulesLayer, strictly } from '@vfp-ts/core'
import * as t from 'io-ts'

const COUNTER_BYTES = 8
const TAG_BYTES = 16
const GROWTH_BYTES = COUNTER_BYTES + TAG_BYTES

/** Nonce for a packet: salt, then counter. */
const nonceOf = (salt: Uint8Array, counter: Uint8Array): Buffer => Buffer.concat([salt, counter])

const encryption = (key: Uint8Array, salt: Uint8Array): ActionContext => {
  let sent = 0n
  return {
    label: 'encrypt',
    onPacket: () => undefined,
    growthBytes: GROWTH_BYTES,
    transform: (payload, out) => {
      const counter = Buffer.alloc(COUNTER_BYTES)
      counter.writeBigUInt64BE(sent++)
      const cipher = createCipheriv('aes-256-gcm', key, nonceOf(salt, counter))
      out.set(counter)
      out.set(cipher.update(payload), COUNTER_BYTES)
      cipher.final()
      out.set(cipher.getAuthTag(), COUNTER_BYTES + payload.length)
      return payload.length + GROWTH_BYTES
    },
  }
}

const decryption = (key: Uint8Array, salt: Uint8Array): ActionContext => ({
  label: 'decrypt',
  onPacket: () => undefined,
  transform: (payload, out) => {
    const end = payload.length - TAG_BYTES
    if (end < COUNTER_BYTES) return -1
    const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(salt, payload.subarray(0, COUNTER_BYTES)))
    decipher.setAuthTag(payload.subarray(end))
    out.set(decipher.update(payload.subarray(COUNTER_BYTES, end)))
    try {
      decipher.final()
    } catch {
      return -1 // The tag does not fit: counted as PayloadRefused.
    }
    return end - COUNTER_BYTES
  },
})

/** A rule names the traffic whose key it uses, `from>to`; the key itself is no policy and stays out of it. */
const cryptoType = (name: 'encrypt' | 'decrypt', make: (key: Uint8Array, salt: Uint8Array) => ActionContext, secret: Uint8Array) => {
  // Kept beside the rules, not in their state: a rule that is taken out and put in again must go on counting.
  const contexts = new Map<string, ActionContext>()
  const contextFor = (traffic: string): ActionContext => {
    const derived = Buffer.from(hkdfSync('sha256', secret, '', traffic, 32 + 4))
    const context = contexts.get(traffic) ?? make(derived.subarray(0, 32), derived.subarray(32))
    contexts.set(traffic, context)
    return context
  }
  return defineRuleType({
    name,
    config: strictly({ traffic: t.string }),
    init: ({ traffic }) => contextFor(traffic),
    decide: (_config, _flow, context) => proceed(undefined, { contexts: [context] }),
  })
}

/** One host with one VM: encryption next to the VM, the tunnel next to the wire. */
const hostOf = (secret: Uint8Array, me: Place, other: Place) => {
  const port = orThrow(openSwitch().addPort({ name: me.name, mac: me.mac, ip: [me.ca] }))
  const payloads = orThrow(port.addLayer(rulesLayer('payloads', [cryptoType('encrypt', encryption, secret), cryptoType('decrypt', decryption, secret)]), { order: 30 }))
  // What is not TCP or UDP of these two has no rule here and stays in the clear; a firewall above would drop it.
  const both = { proto: ['tcp', 'udp'] }
  orThrow(payloads.updateJson({
    outbound: [{ name: 'payloads', rules: [{ when: { ...both, dstIp: other.ca }, do: 'encrypt', with: { traffic: `${me.name}>${other.name}` } }] }],
    inbound: [{ name: 'payloads', rules: [{ when: { ...both, srcIp: other.ca }, do: 'decrypt', with: { traffic: `${other.name}>${me.name}` } }] }],
  }))
  const network = orThrow(port.addLayer(rulesLayer('network', [encap, decap]), { order: 40 }))
  orThrow(network.updateJson({
    outbound: [{ name: 'tunnel', rules: [{ when: { dstIp: other.ca }, do: 'encap', with: { vni: 5001, srcIp: me.pa, dstIp: other.pa, innerDstMac: other.mac } }] }],
    inbound: [{ name: 'tunnel', rules: [{ when: { vni: 5001, dstIp: me.pa, srcIp: other.pa }, do: 'decap' }] }],
  }))
  return port
}

interface Place { readonly name: string; readonly mac: string; readonly ca: string; readonly pa: string }
const a: Place = { name: 'vm-a', mac: '00:15:5d:00:00:0a', ca: '10.0.0.4', pa: '192.0.2.1' }
const b: Place = { name: 'vm-b', mac: '00:15:5d:00:00:0b', ca: '10.0.0.5', pa: '192.0.2.2' }
const secret = Buffer.alloc(32, 7) // Of an example: a real one is random, and new in each run.
const hostA = hostOf(secret, a, b)
const hostB = hostOf(secret, b, a)

const ETHERNET = 14
const UNDERLAY_MTU = 1500
const TUNNEL_BYTES = 20 + 8 + 8 + ETHERNET // IPv4, UDP, VXLAN, the inner Ethernet header
const VM_MTU = UNDERLAY_MTU - TUNNEL_BYTES - GROWTH_BYTES
console.log(`MTU of the VMs: ${UNDERLAY_MTU} - ${TUNNEL_BYTES} (tunnel) - ${GROWTH_BYTES} (counter and tag) = ${VM_MTU}`)

const datagram = (payload: Uint8Array): Uint8Array => orThrow(buildFrame({ proto: 'udp', srcIp: a.ca, dstIp: b.ca, srcMac: a.mac, dstMac: b.mac, srcPort: 5000, dstPort: 6000, payload }))
const leaves = (frame: Uint8Array): Uint8Array => {
  const { outcome, outputs: [output] } = hostA.process('outbound', frame)
  if (output === undefined) throw new Error(JSON.stringify(outcome))
  return output.frame
}
const text = (payload: Uint8Array): string => JSON.stringify(Buffer.from(payload).toString('latin1').replaceAll(/[^ -~]/g, '.'))

/** Over the wire and into host B: what became of it. */
const arrives = (frame: Uint8Array): string => {
  const length = frame.length - ETHERNET
  if (length > UNDERLAY_MTU) return `${length} bytes of IP, too long for the underlay by ${length - UNDERLAY_MTU}`
  const { outcome, outputs: [output] } = hostB.process('inbound', frame)
  if (output === undefined) return `${length} bytes of IP, ${outcome._tag === 'Dropped' ? `dropped: ${outcome.reason}` : outcome._tag}`
  const { payload } = orThrow(dissect(output.frame))
  return `${length} bytes of IP, vm-b gets ${payload.length} bytes${payload.length > 40 ? '' : `: ${text(payload)}`}`
}

const secretWords = Buffer.from('nobody on the wire reads this')
const onWire = leaves(datagram(secretWords))
console.log('on the wire:', text(orThrow(dissect(onWire)).payload))
console.log('delivered:', arrives(onWire))
console.log('the same words again:', text(orThrow(dissect(leaves(datagram(secretWords)))).payload))

const tampered = leaves(datagram(secretWords)).map((byte, i, { length }) => (i === length - 20 ? byte ^ 1 : byte))
console.log('one bit changed:', arrives(tampered))

const IP_UDP = 20 + 8
console.log(`a packet of ${VM_MTU} bytes:`, arrives(leaves(datagram(new Uint8Array(VM_MTU - IP_UDP)))))
console.log(`a packet of ${VM_MTU + 1} bytes:`, arrives(leaves(datagram(new Uint8Array(VM_MTU - IP_UDP + 1)))))

const segment = orThrow(buildFrame({ proto: 'tcp', srcIp: a.ca, dstIp: b.ca, srcMac: a.mac, dstMac: b.mac, srcPort: 5000, dstPort: 443, flags: ['Ack', 'Psh'], payload: Buffer.from('GET / HTTP/1.1') }))
console.log('a TCP segment:', arrives(leaves(segment)))
for (const port of [hostA, hostB]) console.log(port.identity.name, JSON.stringify(port.counters().drops), port.flows().map((flow) => `${flow.key}: ${flow.packets} packets`))
