import test from 'ava'
import {
  ANSWER_ROOM, answerBy, defineRuleType, encap, type Environment, type Explanation, hairpin, manualClock, modify, nat, orThrow, type Output, type Port, proceed,
  type Responder, type RuleJson, rulesLayer, strictly, TAKEN,
} from '../../src/index.js'
import { MAX_HAIRPINS } from '../../src/switch/switch-port.js'
import { replyType } from '../../src/testing/policy-arbitraries.js'
import { lateResource } from '../../src/testing/late-resource.js'
import { ELSEWHERE, frame, groupOf, hostOf, macOf, show, tell } from './support.js'

const own = rulesLayer('own', [encap, hairpin, nat, replyType])

const program = (port: Port | undefined, rules: { readonly outbound?: readonly RuleJson[]; readonly inbound?: readonly RuleJson[] }, order = 1, name = 'own'): void => {
  const groups = (list: readonly RuleJson[] | undefined) => (list === undefined ? [] : [groupOf('g', list)])
  orThrow(orThrow(port!.addLayer(own, { order, name })).updateJson({ outbound: groups(rules.outbound), inbound: groups(rules.inbound) }))
}

const SWAP: RuleJson = { do: 'reply', with: { form: 'swap' } }
const FLOW = 'tcp 10.0.0.1:1000 > 10.0.0.2:80'

/** Outputs as lines, with why they left. */
const told = (outputs: readonly Output[]): readonly string[] => outputs.map((o) => `${o.why} to ${o.to}: ${show(o.frame)}`)

test('reply: what the VM asked is answered to the VM, and is no drop', (t) => {
  const { ports: [port] } = hostOf(1)
  program(port, { outbound: [SWAP] })
  const { outcome, outputs } = port!.process('outbound', frame())
  t.deepEqual(outcome, { _tag: 'Answered', reason: 'answered' })
  t.deepEqual(told(outputs), [`reply to vm: ${FLOW}`])
  t.deepEqual(port!.counters().drops, {})
  t.is(port!.rules()[0]?.packets, 1)
})

test('reply: what the network asked is answered through the port’s outbound path', (t) => {
  const { ports: [port] } = hostOf(1)
  program(port, { inbound: [SWAP] })
  program(port, { outbound: [{ do: 'encap', with: { vni: 7, srcIp: '192.0.2.1', dstIp: '192.0.2.2', dstMac: ELSEWHERE } }] }, 2, 'tunnel')
  const { outcome, outputs } = port!.process('inbound', frame())
  t.is(outcome._tag, 'Answered')
  t.deepEqual(told(outputs), [`reply to network: ${FLOW} in vxlan 7 192.0.2.1 > 192.0.2.2`])
  t.is(port!.counters().packets, 2)
})

test('reply: a policy that stops the answer drops it by its reason', (t) => {
  const { ports: [port] } = hostOf(1)
  program(port, { inbound: [SWAP], outbound: [{ do: 'reply', with: { form: 'even' } }] })
  t.is(frame({ bytes: 21 }).length % 2, 1)
  t.is(tell(port!.process('inbound', frame({ bytes: 21 }))), 'NoReply')
})

test('reply: a packet without an answer begins no connection, one with an answer does', (t) => {
  const { ports: [port] } = hostOf(1)
  program(port, { outbound: [{ do: 'reply', with: { form: 'even' }, stateful: true }] })
  t.is(tell(port!.process('outbound', frame({ bytes: 21 }))), 'NoReply')
  t.deepEqual(port!.counters().connections, { own: 0 })
  t.is(port!.process('outbound', frame()).outcome._tag, 'Answered')
  t.deepEqual(port!.counters().connections, { own: 1 })
})

test('reply: an answer that is itself answered goes to the VM, and the two have buffers of their own', (t) => {
  const { ports: [port] } = hostOf(1)
  program(port, { inbound: [SWAP], outbound: [SWAP] })
  const sent = frame()
  const { outcome, outputs } = port!.process('inbound', sent)
  t.is(outcome._tag, 'Answered')
  t.deepEqual(outputs.map((o) => [o.to, o.why, o.frame]), [['vm', 'reply', sent]])
})

test('reply: a packet hairpinned to a port that answers is answered at the port it first came to', (t) => {
  const { ports } = hostOf(2)
  program(ports[1], { outbound: [SWAP] })
  program(ports[0], { outbound: [{ do: 'hairpin', with: { port: 'vm-2' }, when: { dstPort: 80 } }, { do: 'nat', with: { srcPort: 9 } }], inbound: [{ do: 'hairpin', with: { port: 'vm-2' } }] })
  t.deepEqual(told(ports[0]!.process('outbound', frame()).outputs), [`reply to vm: ${FLOW}`])
  // As if VM 1 had answered: through its outbound path.
  t.deepEqual(told(ports[0]!.process('inbound', frame({ dstPort: 443 })).outputs), ['reply to network: tcp 10.0.0.1:9 > 10.0.0.2:443'])
})

test('reply: has its share of the hairpins a frame may make', (t) => {
  const { ports } = hostOf(MAX_HAIRPINS + 1)
  for (let n = 0; n < MAX_HAIRPINS; n++) {
    const to: RuleJson = { do: 'hairpin', with: { port: `vm-${n + 2}` } }
    program(ports[n], { inbound: [to], outbound: [to] })
  }
  program(ports[MAX_HAIRPINS], { outbound: [SWAP] })
  t.is(tell(ports[0]!.process('inbound', frame())), 'HairpinLimit')
})

test('reply: is cached, and a hit is answered without a walk', (t) => {
  const { ports: [port] } = hostOf(1)
  program(port, { outbound: [SWAP] })
  const first = port!.process('outbound', frame())
  t.deepEqual(port!.process('outbound', frame()), first)
  t.like(port!.counters(), { fast: 1, slow: 1 })
  t.deepEqual(port!.flows().map((f) => f.verdict), ['reply by swap'])
})

test('reply: a change of policy that keeps the responder keeps the flow', (t) => {
  const { ports: [port] } = hostOf(1)
  program(port, { outbound: [SWAP] })
  port!.process('outbound', frame())
  program(port, {}, 2, 'empty')
  port!.process('outbound', frame())
  t.is(port!.counters().reconciled, 1)
})

test('reply: a responder sees the packet as the layers left it, with room for its answer', (t) => {
  const seen: string[] = []
  const looks: Responder = {
    name: 'looks',
    answer: (view, out, at) => {
      seen.push(`${show(view.bytes.subarray(view.start, view.end))} depth ${view.depth}`)
      t.true(out.length - at >= view.end - view.start + ANSWER_ROOM)
      return TAKEN
    },
  }
  const type = defineRuleType({ name: 'looks', config: strictly({}, 'nothing'), decide: () => answerBy(looks, modify({ dstPort: 7 })) })
  const { ports: [port] } = hostOf(1)
  program(port, { outbound: [{ do: 'nat', with: { srcPort: 9 } }] })
  orThrow(orThrow(port!.addLayer(rulesLayer('looks', [type]), { order: 2 })).updateJson({ outbound: [groupOf('g', [{ do: 'looks' }])] }))
  const { outcome, outputs } = port!.process('outbound', frame({ bytes: 9000 }))
  t.deepEqual([outcome._tag, outputs.length, port!.counters().drops], ['Answered', 0, {}])
  t.deepEqual(seen, ['tcp 10.0.0.1:9 > 10.0.0.2:7 depth 1'])
})

test('reply: is explained without asking the responder, in text and in JSON', (t) => {
  const { ports: [port] } = hostOf(1)
  program(port, { outbound: [{ do: 'reply', with: { form: 'even' } }] })
  const said = port!.explain('outbound', frame())
  t.is(said.verdict, 'reply by even')
  t.is(said.after, `an answer to ${FLOW}`)
  t.true(String(said).includes('result: reply by even\n'))
  t.is((JSON.parse(JSON.stringify(said)) as Explanation).layers[0]?.verdict, 'reply by even')
})

test('reply: in a batch has a verdict of its own, and leaves the other frames alone', (t) => {
  const { ports: [port] } = hostOf(1)
  program(port, { outbound: [{ ...SWAP, when: { dstPort: 80 } }] })
  const [asked, other] = [frame(), frame({ dstPort: 443 })]
  const bytes = new Uint8Array(asked.length + other.length)
  bytes.set(asked)
  bytes.set(other, asked.length)
  const batch = {
    bytes, start: Uint32Array.of(0, asked.length), length: Uint32Array.of(asked.length, other.length), verdict: new Uint8Array(2), reason: new Uint16Array(2), count: 2,
  }
  const left: string[] = []
  port!.processBatch('outbound', batch, (to, why, b, start, end, index) => { left.push(`${index} ${why} to ${to}: ${show(b.slice(start, end))}`) })
  t.deepEqual([...batch.verdict], [3, 0])
  t.deepEqual([...batch.start], [0, asked.length])
  t.deepEqual(left, [`0 reply to vm: ${FLOW}`, '1 forward to network: tcp 10.0.0.1:1000 > 10.0.0.2:443'])
})

test('reply: whoever gets an answer may have another made, and keeps his own', (t) => {
  const got: string[] = []
  let nested = false
  const environment: Environment = {
    toVm: (_port, bytes) => {
      const before = show(bytes)
      if (!nested) {
        nested = true
        host.fromVm('vm-1', frame({ srcPort: 5 }))
      }
      got.push(`${before} then ${show(bytes)}`)
    },
  }
  const { host, ports } = hostOf(1, { environment })
  program(ports[0], { outbound: [SWAP] })
  t.is(host.fromVm('vm-1', frame())._tag, 'Answered')
  t.deepEqual(got, ['tcp 10.0.0.1:5 > 10.0.0.2:80 then tcp 10.0.0.1:5 > 10.0.0.2:80', `${FLOW} then ${FLOW}`])
})

test('reply: between ports of a switch goes back to the VM that asked', (t) => {
  const got: string[] = []
  const { host, ports } = hostOf(2, { environment: { toVm: (port, bytes) => { got.push(`${port.name}: ${show(bytes)}`) } } })
  program(ports[1], { inbound: [SWAP] })
  t.is(host.fromVm('vm-1', frame({ toMac: macOf(2) }))._tag, 'Passed')
  t.deepEqual(got, [`vm-1: ${FLOW}`])
})

test('reply: an answer that waits on its way leaves as one when the resource has answered', (t) => {
  const places = lateResource('places', () => 'here', manualClock(), { seed: 1 })
  const asks = defineRuleType({
    name: 'asks', config: strictly({}, 'nothing'),
    decide: (_config, flow) => {
      flow.lookup(places, flow.number('dstPort') ?? 0)
      return proceed()
    },
  })
  const got: string[] = []
  const { ports: [port] } = hostOf(1, { environment: { released: (_port, to, why, bytes) => { got.push(`${why} to ${to}: ${show(bytes)}`) } } })
  program(port, { inbound: [SWAP] })
  const layer = orThrow(port!.addLayer(rulesLayer('asks', [asks]), { order: 2 }))
  orThrow(layer.updateJson({ outbound: [groupOf('g', [{ do: 'asks' }])] }))
  t.is(port!.process('inbound', frame()).outcome._tag, 'Pending')
  places.answer(80)
  port!.settle()
  t.deepEqual(got, [`reply to network: ${FLOW}`])
})
