/** Law 8 for the MTU: tshark finds nothing malformed and no checksum wrong in errors and fragments, and puts the fragments together. */
import { testNeeding } from '@vfp-ts/needs'
import { askTshark, EVERY_OCCURRENCE } from '../tshark.js'
import { portWith, type Sent, sent, tunnel } from './mtu-support.js'

const title = 'law 8: tshark finds errors about long packets and their fragments sound'

const FIELDS = [
  '_ws.malformed', '_ws.expert.message', 'ip.checksum.status', 'icmp.checksum.status', 'icmpv6.checksum.status', 'udp.checksum.status',
  'icmp.type', 'icmp.code', 'icmp.mtu', 'icmpv6.type', 'icmpv6.mtu', 'ip.reassembled.length', 'vxlan.vni',
] as const

const PREFERENCES = ['ip.defragment:TRUE', 'ip.check_checksum:TRUE', 'udp.check_checksum:TRUE', 'eth.fcs:Never']

const toldOf = (frames: readonly Uint8Array[]): readonly Readonly<Record<(typeof FIELDS)[number], string>>[] =>
  askTshark(frames, FIELDS, PREFERENCES, EVERY_OCCURRENCE)
    .map((values) => Object.fromEntries(FIELDS.map((field, i) => [field, values[i]])) as Record<(typeof FIELDS)[number], string>)

/** To a port of no protocol that tshark would look for. */
const plain: Sent = { dstPort: 40_000 }

const leaving = (policies: Parameters<typeof portWith>[1], said: Sent): readonly Uint8Array[] =>
  portWith({ network: 1400 }, policies).port.process('outbound', sent({ ...plain, ...said })).outputs.map((o) => o.frame)

const test = testNeeding('tshark')
test(title, (t) => {
  const errors = [false, true].flatMap((six) =>
    [[], [tunnel()], [tunnel(true)]].flatMap((policies) => leaving(policies, { six, length: 1600, dontFragment: true, vlans: [7] })))
  const fragments = [leaving([], { length: 3000 }), leaving([tunnel()], { length: 3000, ipOptions: Uint8Array.of(0x94, 4, 0, 0) })]
  const said = toldOf([...errors, ...fragments.flat()])
  t.is(said.length, errors.length + fragments.flat().length)
  for (const told of said) {
    t.is(told['_ws.malformed'], '')
    t.is(told['_ws.expert.message'].replace(/Connection.*|Time To Live.*/g, ''), '')
    for (const field of FIELDS) if (field.endsWith('status')) t.false(told[field].split(',').includes('0'), `${field} ${told[field]}`)
  }
  const v4 = said.slice(0, 3)
  t.deepEqual(v4.map((told) => [told['icmp.type'], told['icmp.code'], told['icmp.mtu']]), [1400, 1346, 1326].map((mtu) => ['3', '4', String(mtu)]))
  const v6 = said.slice(3, 6)
  t.deepEqual(v6.map((told) => [told['icmpv6.type'], told['icmpv6.mtu']]), [1400, 1346, 1326].map((mtu) => ['2', String(mtu)]))
  t.deepEqual(said.slice(6).map((told) => told['ip.reassembled.length']).filter((length) => length !== ''), ['2980', '2976'])
  t.deepEqual(said.slice(-3).map((told) => told['vxlan.vni']), ['5001', '5001', '5001'])
})
