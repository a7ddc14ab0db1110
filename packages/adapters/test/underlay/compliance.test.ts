/** The compliance suite over an underlay whose neighbour is resolved: frames are IP packets around the suite's own. */
import { orThrow, wire } from '@vfp-ts/core'
import test from 'ava'
import { memoryPair } from '../../src/memory/index.js'
import { type ComplianceBench, complianceCases } from '../../src/testing/index.js'
import { openUnderlay } from '../../src/underlay/index.js'
import { HOST_MAC, ip } from './config.js'
import { PEER_MAC } from './wire.js'

const { ipv4 } = wire
const HEADERS = 34
/** For experiments: RFC 3692 §2.1. */
const PROTOCOL = 253

const bytesOf = (mac: string): readonly number[] => mac.split(':').map((octet) => Number.parseInt(octet, 16))

/** A packet to the neighbour. Those that come bear the same address, which an underlay does not look at. */
const wrap = (inner: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(HEADERS + inner.length)
  frame.set([...bytesOf(HOST_MAC), ...bytesOf(PEER_MAC), 0x08, 0x00])
  ipv4.emitIpv4({
    kind: 'ipv4', source: ip('192.0.2.1'), destination: ip('192.0.2.2'), protocol: PROTOCOL, ttl: 64, dscp: 0,
    ecn: 0, identification: 0, dontFragment: true, moreFragments: false, reservedFlag: false, fragmentOffset: 0, options: new Uint8Array(0),
  }, 20 + inner.length, frame, 14)
  frame.set(inner, HEADERS)
  return frame
}

const bench: ComplianceBench = {
  open: async () => {
    const pair = memoryPair({ macs: [HOST_MAC, PEER_MAC] })
    const nic = orThrow(openUnderlay(pair.a, { addresses: ['192.0.2.1/24'], neighbours: [{ ip: '192.0.2.2', mac: PEER_MAC }], announce: false }))
    return { nic, peer: pair.b, peerGoes: () => pair.b.close() }
  },
  wrapping: {
    overheadBytes: HEADERS,
    wrap,
    innerStart: (bytes, start, end) => (end - start >= HEADERS && bytes[start + 23] === PROTOCOL ? start + HEADERS : -1),
  },
  frames: 200_000,
}

for (const { title, run } of complianceCases) {
  test.serial(`underlay: ${title}`, async (t) => {
    await run(bench)
    t.pass()
  })
}
