import { orThrow } from '@vfp-ts/core'
import { meter } from '@vfp-ts/layers'
import test from 'ava'
import { arp, frame } from '../frames.js'
import { host, outcome } from '../host.js'

const counts = (rules: readonly { readonly direction: string; readonly rule: string; readonly state: unknown }[]): Record<string, unknown> =>
  Object.fromEntries(rules.map((r) => [`${r.direction} ${r.rule}`, r.state]))

test('meter: counts every packet of both directions by the longest prefix of the remote address', (t) => {
  const { port } = host()
  const billing = orThrow(port.addLayer(meter.layer, { order: 10 }))
  orThrow(billing.update(meter.policy({ prefixes: ['10.0.0.0/16', { name: 'internet', prefix: '0.0.0.0/0' }, 'fd00::/8'] })))
  const peer = frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80', bytes: 100 })
  for (let i = 0; i < 3; i++) port.process('outbound', peer)
  port.process('inbound', frame({ from: '10.0.1.5:80', to: '10.0.1.4:5000', bytes: 900 }))
  port.process('outbound', frame({ from: '10.0.1.4:5000', to: '198.51.100.7:443', bytes: 0 }))
  port.process('outbound', frame({ from: '[fd00::4]:5000', to: '[fd00::5]:80', bytes: 0 }))
  port.process('outbound', frame({ from: '[fd00::4]:5000', to: '[2001:db8::5]:80', bytes: 0 }))
  t.regex(outcome(port, 'outbound', arp()), /^arp/)
  t.deepEqual(counts(billing.rules()), {
    'outbound 10.0.0.0/16': { packets: 3, bytes: 3 * (14 + 20 + 20 + 100) },
    'outbound internet': { packets: 1, bytes: 54 },
    'outbound fd00::/8': { packets: 1, bytes: 74 },
    'inbound 10.0.0.0/16': { packets: 1, bytes: 954 },
    'inbound internet': { packets: 0, bytes: 0 },
    'inbound fd00::/8': { packets: 0, bytes: 0 },
  })
})

test('meter: goes on counting through an update as long as the name stays', (t) => {
  const { port } = host()
  const billing = orThrow(port.addLayer(meter.layer, { order: 10 }))
  const send = (): void => { port.process('outbound', frame({ from: '10.0.1.4:5000', to: '10.0.1.5:80', bytes: 0 })) }
  orThrow(billing.update(meter.policy({ prefixes: ['10.0.0.0/16', '0.0.0.0/0'] })))
  send()
  orThrow(billing.update(meter.policy({ prefixes: ['10.0.0.0/16', '192.0.2.0/24'] })))
  send()
  t.like(counts(billing.rules()), { 'outbound 10.0.0.0/16': { packets: 2, bytes: 108 }, 'outbound 192.0.2.0/24': { packets: 0 } })
  orThrow(billing.update(meter.policy({ prefixes: [{ prefix: '10.0.0.0/16', name: 'renamed' }] })))
  send()
  t.like(counts(billing.rules()), { 'outbound renamed': { packets: 1, bytes: 54 } })
})
