/** Frames with a priority tag are those of the same connection and tenant as without it. */
import test from 'ava'
import { allow, block, buildFrame, dissect, emitFrame, type HeaderGroup, openSwitch, orThrow, type Port, rulesLayer, vlan } from '../../src/index.js'
import { fragmentOf } from '../../src/wire/frame.js'

type Vlans = HeaderGroup['vlans']
type Change = (group: HeaderGroup) => HeaderGroup

const tag = (vid: number, pcp = 0, tpid = 0x8100): Vlans[number] => ({ tpid, pcp, dei: false, vid })

const tagged = (frame: Uint8Array, vlans: Vlans, change: Change = (g) => g): Uint8Array => {
  const { groups, payload } = orThrow(dissect(frame))
  return orThrow(emitFrame({ groups: [change({ ...groups[0], vlans })], payload }))
}

const stateful = (): Port => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  const layer = orThrow(port.addLayer(rulesLayer('acl', [allow, block, vlan]), { order: 1 }))
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'allow', stateful: true }] }], inbound: [{ name: 'g', rules: [{ do: 'block' }] }] }))
  return port
}

const fate = (port: Port, direction: 'outbound' | 'inbound', frame: Uint8Array): string | Vlans => {
  const { outcome, outputs } = port.process(direction, frame)
  return outcome._tag === 'Dropped' ? outcome.reason : orThrow(dissect(outputs.at(-1)?.frame ?? new Uint8Array(0))).groups[0].vlans
}

for (const [version, vm, peer] of [[4, '10.0.0.4', '10.0.0.5'], [6, 'fd00::4', 'fd00::5']] as const) {
  const syn = orThrow(buildFrame({ proto: 'tcp', srcIp: vm, dstIp: peer, srcPort: 1000, dstPort: 80 }))
  const answer = orThrow(buildFrame({ proto: 'tcp', srcIp: peer, dstIp: vm, srcPort: 80, dstPort: 1000, flags: ['Syn', 'Ack'] }))
  const untagged: readonly Vlans[] = [[], [tag(0)], [tag(0, 7)], [tag(0, 3, 0x88a8)], [tag(0, 1, 0x88a8), tag(0, 2)]]

  test(`priority tags: a connection over IPv${version} is the same with and without them, and they travel on`, (t) => {
    for (const there of untagged) {
      for (const back of untagged) {
        const port = stateful()
        t.deepEqual(fate(port, 'outbound', tagged(syn, there)), there)
        t.deepEqual(fate(port, 'inbound', tagged(answer, back)), back)
        t.is(fate(port, 'inbound', tagged(answer, [tag(7)])), 'Denied')
      }
    }
  })

  test(`priority tags: one in a stack over IPv${version} leaves the other VLAN's connections alone`, (t) => {
    const port = stateful()
    t.deepEqual(fate(port, 'outbound', tagged(syn, [tag(7)])), [tag(7)])
    for (const back of [[tag(7, 5)], [tag(0, 5), tag(7)], [tag(7), tag(0, 3)], [tag(0, 0, 0x88a8), tag(7)]]) t.deepEqual(fate(port, 'inbound', tagged(answer, back)), back)
    for (const back of [[], [tag(0)], [tag(8)], [tag(7, 0, 0x88a8)], [tag(7), tag(7)]]) t.is(fate(port, 'inbound', tagged(answer, back)), 'Denied')
  })
}

test('priority tags: fragments follow their first with and without them, and not into another VLAN', (t) => {
  const datagram = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.4', dstIp: '10.0.0.5', payload: new Uint8Array(8) }))
  const part = (offset: number, more: boolean): Change => ({ net, transport, ...rest }) => {
    if (net?.kind !== 'ipv4' || transport?.kind !== 'udp') throw new Error('not the datagram')
    const fragment = { ...net, dontFragment: false, identification: 9, fragmentOffset: offset, moreFragments: more }
    return fragmentOf(fragment) === 'later' ? { ...rest, net: fragment } : { ...rest, net: fragment, transport: { ...transport, length: 32, checksum: 0 } }
  }
  const port = stateful()
  t.deepEqual(fate(port, 'outbound', tagged(datagram, [], part(0, true))), [])
  t.deepEqual(fate(port, 'outbound', tagged(datagram, [tag(0, 6)], part(16, true))), [tag(0, 6)])
  t.is(fate(port, 'outbound', tagged(datagram, [tag(7)], part(24, false))), 'FragmentWithoutFirst')
})

test('priority tags: popping a tag pops one, and conditions on the identifier read 0', (t) => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  const layer = orThrow(port.addLayer(rulesLayer('tags', [allow, block, vlan]), { order: 1 }))
  orThrow(layer.updateJson({ outbound: [{ name: 'g', rules: [{ do: 'vlan', when: { vlanId: 0 }, with: { pop: 1 } }, { do: 'block', priority: 200 }] }] }))
  const syn = orThrow(buildFrame({ proto: 'tcp', srcIp: '10.0.0.4', dstIp: '10.0.0.5' }))
  t.deepEqual(fate(port, 'outbound', tagged(syn, [tag(0, 5)])), [])
  t.is(fate(port, 'outbound', syn), 'Denied')
  t.is(fate(port, 'outbound', tagged(syn, [tag(7)])), 'Denied')
})
