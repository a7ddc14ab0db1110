import test from 'ava'
import { run } from '../../main-job/job.js'
import type { ExplainedFrame } from '../../main-job/explained.js'
import { endsOf, read, recorded } from './tenant.js'

const explain = async (frame: number): Promise<{ readonly text: string; readonly json: ExplainedFrame }> => {
  const text = await run(['--explain', String(frame)])
  const json = await run(['--explain', String(frame), '--json'])
  return { text: text.stdout, json: JSON.parse(json.stdout) as ExplainedFrame }
}

const numberOf = async (wanted: (e: NonNullable<ReturnType<typeof endsOf>>) => boolean, nth = 0): Promise<number> => {
  const frames = await recorded()
  const found = frames.flatMap(({ data }, i) => {
    const e = endsOf(read(data))
    return e !== undefined && wanted(e) ? [i + 1] : []
  })
  return found[nth] ?? 0
}

test('explain: a request to a VIP passes four layers at each end, the second time in reverse', async (t) => {
  const n = await numberOf((e) => e.dst === '10.0.9.80' && e.dstPort === 80)
  const { text, json } = await explain(n)
  t.is(json.fate, 'delivered')
  t.deepEqual(json.passages.map((p) => [p.port, p.direction, p.path, p.walk.layers.map((l) => l.layer)]), [
    ['client-2', 'outbound', 'slow', ['meter', 'acl', 'load-balancer', 'vnet']],
    ['web-2', 'inbound', 'slow', ['vnet', 'load-balancer', 'acl', 'meter']],
  ])
  // What is popped leaves its ECN to the frame inside (RFC 6040).
  t.is(json.passages[1]?.walk.transposition, 'pop; 0: dstIp=10.0.1.5 ecn=combine(0,1) dstPort=8080')
  // Both forms tell the same.
  for (const { walk } of json.passages) {
    for (const said of [walk.before, walk.transposition, walk.after, ...walk.layers.map((l) => `layer ${l.layer}`), ...walk.layers.map((l) => l.decidedBy)]) {
      t.true(text.includes(said), said)
    }
  }
})

test('explain: a later packet of the same flow takes the fast path, and the walk tells of the connection', async (t) => {
  const n = await numberOf((e) => e.dst === '10.0.9.80' && e.dstPort === 80 && e.src === '10.0.0.5', 5)
  const { json } = await explain(n)
  t.deepEqual(json.passages.map((p) => p.path), ['fast', 'fast'])
  t.regex(json.passages[1]?.walk.layers[1]?.decidedBy ?? '', /^forward direction of a connection that rule default\/10\.0\.9\.80:80\/tcp/)
})

test('explain: a forbidden packet names the group and rule that dropped it', async (t) => {
  const n = await numberOf((e) => e.src === '10.0.2.6' && e.dst === '10.0.1.53' && e.dstPort === 53)
  const { text, json } = await explain(n)
  t.is(json.fate, 'dropped')
  const inbound = json.passages[1]
  t.is(inbound?.dropped, 'Denied')
  const acl = inbound?.walk.layers.at(-1)
  t.deepEqual(acl?.groups.map((g) => [g.group, g.rule, g.terminating]), [
    ['infrastructure', 'otherwise', false], ['customer', 'strangers-ask-elsewhere', true],
  ])
  t.regex(text, /dropped here: Denied/)
})

test('explain: a later fragment says that its first one decides', async (t) => {
  const n = await numberOf((e) => e.fragment && e.kind === 'none')
  const { text, json } = await explain(n)
  t.true(json.laterFragment)
  t.regex(text, /later fragment/)
})

test('explain: ARP is told apart by its ethertype and dropped by the virtual network', async (t) => {
  const frames = await recorded()
  const n = 1 + frames.findIndex(({ data }) => data[12] === 0x08 && data[13] === 0x06)
  const { json } = await explain(n)
  t.is(json.passages.length, 1)
  t.is(json.passages[0]?.dropped, 'NotIp')
})
