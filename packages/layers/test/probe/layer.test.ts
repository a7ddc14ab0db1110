import { dissect, manualClock, openSwitch, orThrow, type Port, type Switch } from '@vfp-ts/core'
import { acl, guard, isProbe, probe, type ProbeConfig, probeInbox, ProbeKind, readProbe } from '@vfp-ts/layers'
import test from 'ava'
import { frame, macs, show } from '../frames.js'
import { environment, groupsOf, lines, objections, rewritten } from '../support.js'
import { asked } from './asked.js'

const inbox = probeInbox('inbox')

const probed = (config: ProbeConfig): { readonly port: Port; readonly host: Switch } => {
  const host = openSwitch({ clock: manualClock(77), resources: { inbox } })
  const port = orThrow(host.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4', 'fd00::4'] }))
  orThrow(orThrow(port.addLayer(probe.layer, { order: 2 })).updateJson(config))
  return { host, port }
}

test('probe: takes what bears the ports of probes at both ends, and nothing outbound', (t) => {
  const groups = groupsOf(probe.layer, { inbox: 'inbox' }, environment([inbox]))
  const own = 'dstMac = 00:15:5d:00:00:01 and dstIp in 10.0.1.4, fd00::4 and proto = udp'
  t.deepEqual(lines(groups, 'inbound'), [
    `100 probe: ${own} and dstPort = 61000 and srcPort in 61001-61255 -> answer-probe {"mac":"00:15:5d:00:00:01"}`,
    `100 answer: ${own} and srcPort = 61000 and dstPort in 61001-61255 -> take-probe {"inbox":"inbox"}`,
  ])
  t.deepEqual(lines(groups, 'outbound'), [])
  t.deepEqual(groupsOf(probe.layer, { answer: false }).flatMap((g) => g.rules), [])
})

for (const [json, said] of [
  [{ inbox: 'nowhere' }, ['/inbox: the switch was not opened with an inbox named "nowhere"']],
  [{ inbox: { name: 'x', lookup: () => undefined } }, ['/inbox: is no inbox, such as probeInbox makes']],
  [{ port: 61_100 }, ['/port: is among the sources: a question could not be told from an answer']],
  [{ sources: { from: 9, to: 8 } }, ['/sources: expected ports from … to in ascending order']],
  [{ sources: { from: 0, to: 70_000 } }, ['/sources/to: expected a port: a whole number from 0 to 65535']],
] as const) {
  test(`probe: refuses ${JSON.stringify(json)}`, (t) => { t.deepEqual(objections(probe.layer, json), said) })
}

test('probe: writes what it read', (t) => {
  const json = { port: 7000, sources: { from: 7001, to: 7002 }, answer: false, inbox: 'inbox' }
  t.deepEqual(rewritten(probe.layer, json), json)
})

for (const [from, to] of [['10.0.1.9', '10.0.1.4'], ['fd00::9', 'fd00::4']] as const) {
  test(`probe: answers a probe to ${to} in the place of its VM`, (t) => {
    const { port } = probed({})
    const sent = asked({ from, to, sizeBytes: 101 })
    const { outcome, outputs } = port.process('inbound', sent)
    t.is(outcome._tag, 'Answered')
    t.deepEqual(outputs.map((o) => [o.to, o.why]), [['network', 'reply']])
    const answer = outputs[0]?.frame ?? new Uint8Array(0)
    const end = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip)
    t.is(show(answer), `${end(to)}:61000 > ${end(from)}:61001 udp`)
    t.is(macs(answer), '00:15:5d:00:00:04 > 00:15:5d:00:00:09')
    const { payload } = orThrow(dissect(answer))
    t.is(payload.length, 101)
    t.deepEqual(readProbe(payload, 0), { kind: ProbeKind.Answer, nonce: [1, 2], pair: 1, sequence: 7, sentUs: 5_000_000_123, answeredUs: 77 })
  })
}

test('probe: the answer goes through the policy of the VM it stands for', (t) => {
  const { port } = probed({})
  orThrow(orThrow(port.addLayer(guard.layer, { order: 5 })).update(guard.policy({})))
  const security = orThrow(port.addLayer(acl.layer, { order: 20 }))
  orThrow(security.update(acl.policy({ inbound: [{ allow: { proto: 'udp', dstPort: 61_000 }, stateful: true }], otherwise: 'deny' })))
  t.is(port.process('inbound', asked({})).outcome._tag, 'Answered')
  orThrow(security.update(acl.policy({ otherwise: 'deny' })))
  t.deepEqual(port.process('inbound', asked({ srcPort: 61_002 })).outcome, { _tag: 'Dropped', reason: 'Denied', by: { port: 'vm-1', layer: 'acl', group: 'default', rule: 'otherwise' } })
})

test('probe: a VM’s own use of one of the ports is its own', (t) => {
  const { port } = probed({ inbox: 'inbox' })
  const toVm = (from: string, to: string, toMac = '00:15:5d:00:00:04'): string => {
    const { outcome, outputs } = port.process('inbound', frame({ from, to, proto: 'udp', toMac }))
    return outcome._tag === 'Dropped' ? outcome.reason : outputs.map((o) => `${o.why} to ${o.to}`).join()
  }
  t.is(toVm('10.0.1.9:5000', '10.0.1.4:61000'), 'forward to vm')
  t.is(toVm('10.0.1.9:61001', '10.0.1.4:53'), 'forward to vm')
  t.is(toVm('10.0.1.9:61000', '10.0.1.4:5000'), 'forward to vm')
  t.is(toVm('10.0.1.9:61001', '10.0.1.99:61000'), 'forward to vm')
  // Both ends reserved, and no probe.
  t.is(toVm('10.0.1.9:61001', '10.0.1.4:61000'), 'NoReply')
})

test('probe: a damaged probe is not answered', (t) => {
  const { port } = probed({})
  const sent = asked({})
  sent[sent.length - 1]! ^= 1
  t.deepEqual(port.process('inbound', sent).outcome, { _tag: 'Dropped', reason: 'NoReply' })
})

test('probe: an answer goes to who asked and not to the VM, and one nobody asked for to nobody', (t) => {
  const { port } = probed({ inbox: 'inbox' })
  const heard: (readonly number[])[] = []
  const stop = inbox.listen([8, 9], (...numbers) => { heard.push(numbers) })
  t.is(inbox.listen([8, 9], () => undefined), undefined)
  const back = { kind: ProbeKind.Answer, srcPort: 61_000, dstPort: 61_001 }
  t.deepEqual(port.process('inbound', asked({ ...back, nonce: [8, 9], pair: 3, sequence: 4 })), { outcome: { _tag: 'Answered', reason: 'answered' }, outputs: [] })
  t.deepEqual(heard, [[3, 4, 0, 77]])
  t.is(port.process('inbound', asked({ ...back, nonce: [8, 10] })).outcome._tag, 'Dropped')
  stop?.()
  t.is(port.process('inbound', asked({ ...back, nonce: [8, 9] })).outcome._tag, 'Dropped')
  t.is(heard.length, 1)
})

test('probe: without an inbox answers are the VM’s', (t) => {
  const { port } = probed({})
  t.is(port.process('inbound', asked({ kind: ProbeKind.Answer, srcPort: 61_000, dstPort: 61_001 })).outcome._tag, 'Passed')
})

test('isProbe: asks for the magic, the version, the kind and the length', (t) => {
  const { payload } = orThrow(dissect(asked({})))
  t.true(isProbe(payload, 0, payload.length, ProbeKind.Ask))
  t.false(isProbe(payload, 0, payload.length, ProbeKind.Answer))
  t.false(isProbe(payload, 0, payload.length - 1, ProbeKind.Ask))
  for (const at of [0, 3, 4]) t.false(isProbe(payload.map((b, i) => (i === at ? b ^ 1 : b)), 0, payload.length, ProbeKind.Ask))
})
