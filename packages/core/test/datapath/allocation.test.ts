/** What a hit costs in garbage: nothing, whatever the flow's hash is. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { manualClock } from '../../src/clock.js'
import { Datapath } from '../../src/datapath/datapath.js'
import { Outcome } from '../../src/datapath/outcome.js'
import type { RuleJson } from '../../src/policy/rules-layer.js'
import { compiled, packet, policy } from './support.js'

const HITS = 100_000
const ROOM = 256
const OPTIONS = { maxFlows: 100, flowIdleUs: 1e9, parseDepth: { outbound: 1, inbound: 2 }, maxFragments: 4, geneveOptions: [], hashSeed: 0x9abcdef0 }

const encap: RuleJson = { do: 'encap', with: { srcIp: '198.51.100.1', dstIp: '198.51.100.2', vni: 5001 } }

for (const [name, rule] of [['allowed', { do: 'allow' }], ['encapsulated', encap], ['answered', { do: 'reply', with: { form: 'swap' } }], ['encapsulated and measured', encap]] as const) {
  test.serial(`allocation: hits of ${name} packets leave no garbage`, (t) => {
    const datapath = new Datapath({ name: 'a', mac: 1, ips: [] }, name.endsWith('measured') ? { ...OPTIONS, mtu: { network: 1500 } } : OPTIONS, manualClock(), () => undefined)
    datapath.policy = compiled(policy({ outbound: [rule] }))
    const frame = packet('outbound')
    const bytes = new Uint8Array(ROOM + frame.length)
    let passed = 0
    const run = (): void => {
      for (let i = 0; i < HITS; i++) {
        bytes.set(frame, ROOM)
        // Sixteen flows: hashes of either sign, of which an unsigned one would be no small integer half of the time.
        bytes[ROOM + 35] = i & 15
        const outcome = datapath.process('outbound', bytes, ROOM, bytes.length, 0)
        if (outcome === Outcome.Passed || outcome === Outcome.Answered) passed++
        if (outcome === Outcome.Answered) datapath.answers.giveBack(datapath.answers.take())
      }
    }
    // Until the code is as fast as it gets: before, numbers may be objects.
    for (let i = 0; i < 5; i++) run()
    collect()
    const before = process.memoryUsage().heapUsed
    run()
    const grown = process.memoryUsage().heapUsed - before
    t.deepEqual([passed, datapath.counters.slow], [6 * HITS, 16])
    t.true(grown < 2 * HITS, `${(grown / HITS).toFixed(1)} bytes a packet`)
  })
}

/** Node hands its collector out only when asked by this flag. */
const collect = (): void => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as () => void
  gc()
  gc()
}
