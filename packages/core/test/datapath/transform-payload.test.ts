import test from 'ava'
import * as t from 'io-ts'
import {
  type ActionContext, type Batch, defineRuleType, dissect, manualClock, OFFLOAD_PARTIAL, OFFLOAD_PLACE, openSwitch, orThrow, type Port, proceed, rulesLayer,
  type RuleJson,
} from '../../src/index.js'
import { BUILT_IN, frame, macOf, show, tell } from '../switch/support.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const payloadOf = (bytes: Uint8Array): string => hex(orThrow(dissect(bytes, 2)).payload)

interface Work { readonly context: ActionContext; readonly lengths: number[] }

/** A context that puts `head` in front of the payload, and notes the lengths it is told. */
const heading = (head: readonly number[], rest: Partial<ActionContext> = {}): Work => {
  const lengths: number[] = []
  return {
    lengths,
    context: {
      label: 'head', growthBytes: head.length,
      onPacket: (length) => { lengths.push(length) },
      transform: (payload, out) => {
        out.set(head)
        out.set(payload, head.length)
        return head.length + payload.length
      },
      ...rest,
    },
  }
}

/** A port whose layers, from the VM side, have these contexts or rules. */
const portOf = (layers: readonly (Work | RuleJson)[], outboundDepth: 1 | 2 = 1): Port => {
  const works: Work[] = []
  const working = defineRuleType({ name: 'work', config: t.number, decide: (i) => proceed(undefined, { contexts: [works[i]!.context] }) })
  const host = openSwitch({ clock: manualClock(), parseDepth: { outbound: outboundDepth, inbound: 2 } })
  const port = orThrow(host.addPort({ name: 'vm-1', mac: macOf(1) }))
  for (const [order, layer] of layers.entries()) {
    const rule = 'context' in layer ? { do: 'work', with: works.push(layer) - 1 } : layer
    orThrow(orThrow(port.addLayer(rulesLayer('w', [working, ...BUILT_IN]), { order, name: `l${order}` })).updateJson({ outbound: [{ name: 'g', rules: [rule] }] }))
  }
  return port
}

const UDP = frame({ proto: 'udp', bytes: 4 })

test('transform: the payload leaves as the context left it, in every packet, cached or not', (c) => {
  const port = portOf([heading([0xaa, 0xbb])])
  for (let i = 0; i < 3; i++) {
    const { outputs } = port.process('outbound', UDP)
    c.deepEqual(outputs.map((o) => payloadOf(o.frame)), ['aabb00010203'])
  }
  c.is(port.counters().fast, 2)
})

test('transform: of one layer is made on what the layer before made, and inside tunnels that are put around', (c) => {
  const port = portOf([heading([1]), heading([2]), { do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 7 } }, heading([3])])
  const [out] = port.process('outbound', UDP).outputs
  c.is(payloadOf(out!.frame), '03020100010203')
})

test('transform: each context is told the length as its layer left it', (c) => {
  const works = [heading([]), heading([1, 2]), heading([]), heading([3, 4, 5]), heading([])]
  delete (works[0]!.context as { transform?: unknown }).transform
  delete (works[2]!.context as { transform?: unknown }).transform
  delete (works[4]!.context as { transform?: unknown }).transform
  const port = portOf([works[0]!, works[1]!, { do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 7 } }, works[2]!, works[3]!, works[4]!])
  port.process('outbound', UDP)
  const { length } = UDP
  c.deepEqual(works.map((w) => w.lengths), [[length], [length + 2], [length + 52], [length + 55], [length + 55]])
})

test('transform: a mirror shows the payload as its layer left it', (c) => {
  const port = portOf([{ do: 'mirror', with: { port: 'a' } }, heading([1]), { do: 'mirror', with: { port: 'b' } }, heading([2]), { do: 'mirror', with: { port: 'c' } }])
  for (let i = 0; i < 2; i++) {
    c.deepEqual(port.process('outbound', UDP).outputs.map((o) => `${o.why} ${o.to} ${payloadOf(o.frame)}`), [
      'mirror a 00010203', 'mirror b 0100010203', 'mirror c 020100010203', 'forward network 020100010203',
    ])
  }
})

test('transform: a context that refuses, or claims more than it may write, drops the packet', (c) => {
  for (const answer of [-1, 5, 1.5, NaN]) {
    const port = portOf([heading([], { transform: () => answer })])
    c.is(tell(port.process('outbound', UDP)), 'PayloadRefused')
    c.deepEqual(port.counters().drops, { PayloadRefused: 1 })
  }
})

test('transform: fragments, and what has no transport header, are dropped and not passed as they are', (c) => {
  const port = portOf([heading([])])
  c.is(tell(port.process('outbound', frame({ proto: 'udp', bytes: 24, fragment: { offset: 0, more: true, id: 1 } }))), 'PayloadRefused')
  c.is(tell(port.process('outbound', frame({ proto: 'udp', bytes: 24, fragment: { offset: 32, more: false, id: 1 } }))), 'FragmentWithoutFirst')
  const opaque = frame()
  opaque[12] = 0x88
  opaque[13] = 0xcc
  c.is(tell(port.process('outbound', opaque)), 'PayloadRefused')
})

test('transform: a packet that a later step refuses is as it was', (c) => {
  const length = UDP.length
  for (const [name, layers, room, reason] of [
    ['no room for what is declared', [heading([1, 2, 3])], 2, 'NoHeadroom'],
    ['no room for the tunnel behind it', [heading([1, 2, 3]), { do: 'encap', with: { srcIp: '192.0.2.1', dstIp: '192.0.2.2', vni: 7 } }], 52, 'NoHeadroom'],
    ['another context refuses', [heading([1]), heading([], { transform: () => -1 })], 60, 'PayloadRefused'],
  ] as const) {
    const port = portOf(layers)
    const bytes = new Uint8Array(room + length)
    bytes.set(UDP, room)
    const batch: Batch = { bytes, start: Uint32Array.of(room), length: Uint32Array.of(length), verdict: new Uint8Array(1), reason: new Uint16Array(1), count: 1 }
    port.processBatch('outbound', batch, () => { c.fail() })
    c.deepEqual([batch.verdict[0], port.reasonName(batch.reason[0]!), batch.start[0]], [1, reason, room], name)
    c.is(hex(bytes.subarray(room)), hex(UDP), name)
  }
})

test('transform: a payload too long for its headers is refused before the context sees it', (c) => {
  let calls = 0
  const port = portOf([heading([], { growthBytes: 100, transform: () => { calls++; return 0 } })])
  c.is(tell(port.process('outbound', frame({ proto: 'udp', bytes: 0xffff - 28 - 99 }))), 'TooLong')
  c.is(tell(port.process('outbound', frame({ proto: 'udp', bytes: 0xffff - 28 - 100 }))), 'passed; network: udp 10.0.0.1:1000 > 10.0.0.2:80')
  c.is(calls, 1)
})

test('transform: headers are changed as ever', (c) => {
  const port = portOf([heading([1]), { do: 'nat', with: { srcPort: 9, dstIp: '10.9.9.9' } }])
  const [out] = port.process('outbound', UDP).outputs
  c.is(show(out!.frame), 'udp 10.0.0.1:9 > 10.9.9.9:80')
})

test('transform: the place of an unfinished transport header moves with what the payload gains and a popped tunnel loses', (c) => {
  const inner = frame({ bytes: 10 })
  const outer = frame({ proto: 'udp', dstPort: 4789, bytes: 8 + inner.length })
  outer.set([8, 0, 0, 0, 0, 0, 7, 0, ...inner], 42)
  const padded = Uint8Array.from([...outer, 0, 0, 0, 0, 0])
  const port = portOf([{ do: 'decap', with: {} }, heading([1, 2, 3])], 2)
  const place = 20 + 10
  const words: number[] = []
  const run = (at: number): number | undefined => {
    const bytes = new Uint8Array(64 + padded.length)
    bytes.set(padded, 64)
    const batch: Batch = {
      bytes, start: Uint32Array.of(64), length: Uint32Array.of(padded.length), verdict: new Uint8Array(1), reason: new Uint16Array(1),
      offload: Float64Array.of((at + 5) * OFFLOAD_PLACE + OFFLOAD_PARTIAL), count: 1,
    }
    port.processBatch('outbound', batch, (_to, _why, _b, _s, _e, _i, _w, offload) => { words.push(offload) })
    return batch.verdict[0]
  }
  c.is(run(place), 0)
  c.deepEqual(words, [(place + 3) * OFFLOAD_PLACE + OFFLOAD_PARTIAL])
  c.is(run(10), 1, 'a header inside the payload would be hidden')
  c.deepEqual(port.counters().drops, { PayloadRefused: 1 })
})
