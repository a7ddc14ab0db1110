/**
 * A load of small datagrams, as many as one process can send: 60-byte Ethernet frames of UDP over IPv4 in so many flows.
 *
 *   node generate.js INTERFACE FLOWS SECONDS DESTINATION-MAC SOURCE-MAC
 *
 * Prints the frames sent, as a number. Only meant for interfaces inside namespaces made for it.
 */
import { openAfPacket } from '@vfp-ts/adapters/af-packet'
import { SendCode } from '@vfp-ts/adapters/nic'
import { buildFrame, orThrow } from '@vfp-ts/core'

const [, , name = '', flows = '1000', seconds = '5', dstMac = '', srcMac = ''] = process.argv
/** Sent between two looks at the clock and the event loop. */
const BURST = 256

const nic = orThrow(await openAfPacket({ interface: name, offloads: false }))
orThrow(nic.start({ frames: () => undefined }))
const frames = Array.from({ length: Number(flows) }, (_, i) => orThrow(buildFrame({
  proto: 'udp', srcIp: '10.1.0.1', dstIp: '10.2.0.1', srcMac, dstMac, srcPort: 10_000 + i, dstPort: 9, payload: new Uint8Array(18),
})))

let next = 0
const until = performance.now() + Number(seconds) * 1000
while (performance.now() < until) {
  for (let i = 0; i < BURST; i++) {
    const frame = frames[next]
    if (frame === undefined || nic.send(frame, 0, frame.length) !== SendCode.Ok) break
    next = next + 1 === frames.length ? 0 : next + 1
  }
  nic.flush()
  await new Promise((resolve) => setImmediate(resolve))
}
await nic.close()
process.stdout.write(`${nic.counters().sent}\n`)
