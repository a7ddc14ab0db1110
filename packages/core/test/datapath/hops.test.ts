/** Hops that a stateful rule takes, on both ways of its connections. */
import test from 'ava'
import {
  buildFrame, dissect, emitFrame, type Frame, openSwitch, orThrow, type Port, type RuleJson, rulesLayer, translate, transpose,
} from '../../src/index.js'

const portWith = (rule: RuleJson): Port => {
  const port = orThrow(openSwitch().addPort({ name: 'vm-1', mac: '00:15:5d:00:00:01' }))
  const groups = [{ name: 'g', rules: [rule] }]
  orThrow(orThrow(port.addLayer(rulesLayer('hops', [transpose, translate]), { order: 1 })).updateJson({ outbound: groups }))
  return port
}

/** With this TTL or hop limit. */
const withHops = (frame: Uint8Array, hops: number): Uint8Array => {
  const { groups, payload } = orThrow(dissect(frame))
  const { net, ...rest } = groups[0]
  const changed = net?.kind === 'ipv4' ? { ...net, ttl: hops } : net?.kind === 'ipv6' ? { ...net, hopLimit: hops } : undefined
  const made: Frame = { groups: [{ ...rest, ...(changed && { net: changed }) }], payload }
  return orThrow(emitFrame(made))
}

const hopsOf = (frame: Uint8Array): number | undefined => {
  const { net } = orThrow(dissect(frame)).groups[0]
  return net?.kind === 'ipv4' ? net.ttl : net?.kind === 'ipv6' ? net.hopLimit : undefined
}

/** The hops that are left of a frame behind the port, or why it was dropped. */
const left = (port: Port, direction: 'outbound' | 'inbound', frame: Uint8Array): number | string | undefined => {
  const { outcome, outputs } = port.process(direction, frame)
  return outcome._tag === 'Dropped' ? outcome.reason : hopsOf(outputs.at(-1)?.frame ?? new Uint8Array(0))
}

const tcp = (srcIp: string, dstIp: string, srcPort: number, dstPort: number): Uint8Array => orThrow(buildFrame({ proto: 'tcp', srcIp, dstIp, srcPort, dstPort }))

const cases: readonly (readonly [name: string, rule: RuleJson, there: Uint8Array, back: Uint8Array])[] = [
  ['TTL of an edit', { do: 'transpose', with: '0: ttl=ttl(0)-1', stateful: true }, tcp('10.0.0.4', '10.0.0.5', 1000, 80), tcp('10.0.0.5', '10.0.0.4', 80, 1000)],
  ['hop limit of an edit', { do: 'transpose', with: '0: ttl=ttl(0)-1', stateful: true }, tcp('fd00::4', 'fd00::5', 1000, 80), tcp('fd00::5', 'fd00::4', 80, 1000)],
  ['TTL of a translation', { do: 'translate', with: { to: 6, src: '2001:db8::4', dst: '2001:db8::5' }, stateful: true }, tcp('10.0.0.4', '10.0.0.5', 1000, 80), tcp('2001:db8::5', '2001:db8::4', 80, 1000)],
  ['hop limit of a translation', { do: 'translate', with: { to: 4, src: '192.0.2.4', dst: '192.0.2.5' }, stateful: true }, tcp('fd00::4', 'fd00::5', 1000, 80), tcp('192.0.2.5', '192.0.2.4', 80, 1000)],
]
for (const [name, rule, there, back] of cases) {
  test(`hops: the ${name} is lessened on both ways, until it is used up`, (t) => {
    const port = portWith(rule)
    t.is(left(port, 'outbound', withHops(there, 64)), 63)
    t.is(left(port, 'inbound', withHops(back, 64)), 63)
    t.is(left(port, 'inbound', withHops(back, 2)), 1)
    t.is(left(port, 'inbound', withHops(back, 1)), 'TtlExceeded')
    t.is(left(port, 'inbound', withHops(back, 0)), 'TtlExceeded')
    t.is(left(port, 'outbound', withHops(there, 1)), 'TtlExceeded')
  })
}
