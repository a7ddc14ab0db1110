import test from 'ava'
import fc from 'fast-check'
import { decap, type Direction, type Explanation, manualClock, orThrow, type Port, type Processed, type RulesJson, rulesLayer, transpose } from '../../src/index.js'
import { frameBytesArbitrary, mutatedBytesArbitrary } from '../../src/testing/frame-arbitraries.js'
import { builtIn, policyArbitrary } from './policies.js'
import { checksum } from '../../src/wire/checksum.js'
import { frame, hostOf, observed, show } from './support.js'

type Step =
  | { readonly _tag: 'Packet'; readonly direction: Direction; readonly bytes: Uint8Array }
  | { readonly _tag: 'Update'; readonly layer: number; readonly policy: RulesJson }
  | { readonly _tag: 'Wait'; readonly us: number }

const PORTS = ['vm-1', 'vm-2', 'nobody']

const frames = fc.oneof({ weight: 5, arbitrary: frameBytesArbitrary({ maxPayload: 20 }) }, { weight: 1, arbitrary: mutatedBytesArbitrary({ maxPayload: 20 }) })

/** Few frames, so that they meet their own flows and connections again. */
const stepsArbitrary: fc.Arbitrary<readonly Step[]> = fc.array(frames, { minLength: 1, maxLength: 3 }).chain((few) =>
  fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ _tag: fc.constant('Packet' as const), direction: fc.constantFrom('outbound' as const, 'inbound' as const), bytes: fc.constantFrom(...few) }) },
      { weight: 2, arbitrary: fc.record({ _tag: fc.constant('Update' as const), layer: fc.nat(2), policy: policyArbitrary(PORTS) }) },
      { weight: 1, arbitrary: fc.record({ _tag: fc.constant('Wait' as const), us: fc.constantFrom(1, 1999, 2000, 60_000_000) }) },
    ),
    { maxLength: 12 },
  ))

/** What is wrong with an explanation, given what then happened. */
const disagreement = (said: Explanation, { outcome, outputs }: Processed, entered: readonly number[]): string | undefined => {
  if (said.verdict.startsWith('drop ')) {
    return outcome._tag === 'Dropped' && said.verdict === `drop ${outcome.reason}` && said.after === (said.layers.length === 0 && said.before === 'not parsed' ? 'not parsed' : 'nothing')
      ? undefined : `${said.verdict}, but ${JSON.stringify(outcome)}`
  }
  if (said.verdict.startsWith('hairpin to ')) {
    const target = PORTS.indexOf(said.verdict.slice('hairpin to '.length))
    if (target === 2) return outcome._tag === 'Dropped' && outcome.reason === 'NoSuchPort' ? undefined : `to nobody, but ${outcome._tag}`
    return entered[target]! > (target === 0 ? 1 : 0) ? undefined : 'did not enter the hairpin\'s target'
  }
  if (said.verdict.startsWith('reply by ')) {
    // An answer to the network goes through the port's outbound path, of which nothing is explained.
    if (said.direction === 'inbound') return entered[0]! > 1 ? undefined : 'the answer did not go through the outbound path'
    return outcome._tag === 'Answered' && outputs.at(-1)?.why === 'reply' && outputs.at(-1)?.to === 'vm' ? undefined : `a reply, but ${JSON.stringify(outcome)}`
  }
  const mirrored = said.layers.flatMap((l) => l.mirrors)
  const copies = outputs.filter((o) => o.why === 'mirror').map((o) => o.to)
  if (outcome._tag === 'Dropped') return `continue, but ${outcome.reason}`
  if (JSON.stringify(mirrored) !== JSON.stringify(copies)) return `mirrors ${mirrored.join()}, but ${copies.join()}`
  const out = outputs.at(-1)!.frame
  // A later fragment is decided by its datagram's first one, whose ports it does not have.
  return said.before.includes('fragment)') || show(out) === said.after ? undefined : `${said.after}, but ${show(out)}`
}

/** Two ports, the first with layers of these policies, and a clock of their own. */
const programmed = (policies: readonly RulesJson[]) => {
  const clock = manualClock()
  const { ports } = hostOf(2, { clock, parseDepth: { outbound: 3, inbound: 3 } })
  const layers = policies.map((policy, i) => {
    const layer = orThrow(ports[0]!.addLayer(builtIn, { order: i, name: `layer-${i}` }))
    orThrow(layer.updateJson(policy))
    return layer
  })
  return { clock, ports, layers }
}

test('explain: has no effect on anything, and says what process then does', (t) => {
  const verdicts = new Set<string>()
  fc.assert(
    fc.property(fc.array(policyArbitrary(PORTS), { minLength: 3, maxLength: 3 }), stepsArbitrary, (policies, steps) => {
      const { clock, ports, layers } = programmed(policies)
      const entered = (): readonly number[] => ports.map((p: Port) => p.counters().packets)
      const look = (): string => JSON.stringify(ports.map(observed))
      for (const step of steps) {
        if (step._tag === 'Wait') clock.advanceUs(step.us)
        else if (step._tag === 'Update') layers[step.layer]!.updateJson(step.policy)
        else {
          const before = look()
          const said = ports[0]!.explain(step.direction, step.bytes)
          verdicts.add(said.verdict.split(' ')[0]!)
          if (String(said) !== String(ports[0]!.explain(step.direction, step.bytes))) throw new Error('a second explanation differs')
          if (look() !== before) throw new Error('explaining had an effect')
          const counts = entered()
          const done = ports[0]!.process(step.direction, step.bytes)
          const wrong = disagreement(said, done, entered().map((n, i) => n - counts[i]!))
          if (wrong !== undefined) throw new Error(`${wrong}\n${String(said)}`)
        }
      }
    }),
    { numRuns: 300, includeErrorInReport: true },
  )
  t.deepEqual([...verdicts].sort(), ['continue', 'drop', 'hairpin', 'reply'])
})

test('explain: what it would change does not come back after it either', (t) => {
  fc.assert(
    fc.property(fc.array(policyArbitrary(PORTS), { minLength: 3, maxLength: 3 }), stepsArbitrary, (policies, steps) => {
      const [asked, unasked] = [true, false].map((asks) => {
        const { clock, ports, layers } = programmed(policies)
        const told: unknown[] = []
        for (const step of steps) {
          if (step._tag === 'Wait') clock.advanceUs(step.us)
          else if (step._tag === 'Update') layers[step.layer]!.updateJson(step.policy)
          else told.push(ports[0]!.process(step.direction, step.bytes))
          if (asks) for (const s of steps) if (s._tag === 'Packet') ports[0]!.explain(s.direction, s.bytes)
        }
        return JSON.stringify([told, ports.map(observed)])
      })
      if (asked !== unasked) throw new Error('explaining changed what came later')
    }),
    { numRuns: 150 },
  )
  t.pass()
})

test('explain: its text and its JSON say the same', (t) => {
  fc.assert(
    fc.property(policyArbitrary(PORTS), policyArbitrary(PORTS), frames, fc.constantFrom('outbound' as const, 'inbound' as const), (near, far, bytes, direction) => {
      const port = hostOf(2).ports[0]!
      for (const [i, policy] of [near, far].entries()) orThrow(orThrow(port.addLayer(builtIn, { order: i, name: `layer-${i}` })).updateJson(policy))
      const said = port.explain(direction, bytes)
      const json = JSON.parse(JSON.stringify(said)) as Explanation
      const text = String(said).split('\n')
      t.deepEqual(json, { ...said })
      const lines = (start: string): readonly string[] => text.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length))
      t.is(text[0], `${json.direction}: ${json.before}`)
      t.deepEqual(lines('layer '), json.layers.map((l) => l.layer))
      t.deepEqual(lines('  sees: '), json.layers.map((l) => l.before))
      t.deepEqual(lines('  decided by: '), json.layers.map((l) => `${l.decidedBy}: ${l.verdict}`))
      t.deepEqual(lines('  transposition: '), json.layers.map((l) => l.transposition).filter((x) => x !== 'identity'))
      t.deepEqual(lines('  mirrored to: '), json.layers.filter((l) => l.mirrors.length > 0).map((l) => l.mirrors.join(', ')))
      t.deepEqual(lines('  contexts: '), json.layers.filter((l) => l.contexts.length > 0).map((l) => l.contexts.join(', ')))
      t.deepEqual(lines('  group ').map((line) => line.split(':')[0]), json.layers.flatMap((l) => l.groups.map((g) => g.group)))
      t.deepEqual(lines('    passed over '), json.layers.flatMap((l) => l.groups.flatMap(({ passedOver: { rules, more } }) =>
        [...rules.map((r) => `${r.rule}: ${r.because}`), ...(more === 0 ? [] : [`${more} more`])])))
      t.deepEqual([lines('result: '), lines('  composed: ')], [[json.verdict], [json.transposition]])
      t.is(lines('  leaves as: ').at(-1), json.after)
      t.is(lines('  not cached').length === 0, json.cacheable)
    }),
    { numRuns: 150 },
  )
})

test('explain: what only the bytes of a packet refuse is told, too', (t) => {
  const { ports: [port] } = hostOf(1, { parseDepth: { outbound: 1, inbound: 2 } })
  const layer = orThrow(port!.addLayer(rulesLayer('own', [decap, transpose]), { order: 0 }))
  orThrow(layer.updateJson({
    outbound: [{ name: 'g', rules: [{ do: 'transpose', with: '0: ttl=ttl(0)-64' }] }],
    inbound: [{ name: 'g', rules: [{ do: 'decap' }] }],
  }))
  const sent = frame({})
  t.is(port!.explain('outbound', sent).verdict, 'drop TtlExceeded')
  t.deepEqual(port!.process('outbound', sent).outcome, { _tag: 'Dropped', reason: 'TtlExceeded' })
  const congested = frame({ tunnel: { vni: 1 } })
  congested[15] = 3
  congested[24] = congested[25] = 0
  const sum = checksum(congested, 14, 34)
  congested[24] = sum >>> 8
  congested[25] = sum & 0xff
  t.is(port!.explain('inbound', congested).verdict, 'drop CongestionLost')
  t.deepEqual(port!.process('inbound', congested).outcome, { _tag: 'Dropped', reason: 'CongestionLost' })
})
