import test from 'ava'
import { run } from '../../main-job/job.js'
import { reportOf } from './tenant.js'

const report = reportOf()

test('main job: every frame of the tenant has one fate', async (t) => {
  const { frames, capture, strange } = await report
  t.is(capture.frames, 2004)
  t.is(capture.damage, null)
  t.is(Object.values(frames).reduce((a, b) => a + b), 2004)
  t.deepEqual({ ...frames, delivered: 0, dropped: 0 }, { delivered: 0, leftToOutside: 0, dropped: 0, malformed: 0, nobodys: 0, notEthernet: 0 })
  t.deepEqual(strange, [])
})

test('main job: drops are those that the policy means, where it means them, and no others', async (t) => {
  const { drops, frames } = await report
  const denied = drops.filter((d) => d.reason === 'Denied').map((d) => `${d.packets} at ${d.port} ${d.direction}: ${d.by}`).sort()
  t.deepEqual(denied, [
    // Replies to what was denied, as the host that was recorded let them be sent.
    '2 at dns outbound: layer acl, rule customer/otherwise (block)',
    '4 at web-2 outbound: layer acl, rule customer/otherwise (block)',
    '5 at web-1 outbound: layer acl, rule customer/otherwise (block)',
    // What captures/README.md says a policy should forbid: stranger to dns, to a DIP; to web-1 8081 (6) and 22 (3).
    '2 at dns inbound: layer acl, rule customer/strangers-ask-elsewhere (block)',
    '6 at stranger outbound: layer acl, rule infrastructure/servers-by-their-vip-only (block)',
    '9 at web-1 inbound: layer acl, rule customer/otherwise (block)',
  ].sort())
  const others = (reason: string): number => drops.filter((d) => d.reason === reason).reduce((n, d) => n + d.packets, 0)
  t.is(others('NotIp'), 12, 'ARP: 3 requests, 3 replies, 6 gratuitous')
  t.is(others('NoRoute'), 69, 'NDP and MLD: 12 + 3 + 9 + 28 + 17')
  t.deepEqual([...new Set(drops.map((d) => d.reason))].sort(), ['Denied', 'NoRoute', 'NotIp'])
  t.is(drops.reduce((n, d) => n + d.packets, 0), frames.dropped)
})

test('main job: every layer and every rule type in use is hit in both directions', async (t) => {
  const { rules, flows } = await report
  const hit = (layer: string, direction: string, type: string): number =>
    rules.filter((r) => r.layer === layer && r.direction === direction && r.type === type).reduce((n, r) => n + r.packets, 0)
  for (const direction of ['outbound', 'inbound']) {
    t.true(hit('meter', direction, 'count') > 0)
    t.true(hit('acl', direction, 'allow') > 0)
    t.true(hit('acl', direction, 'block') > 0)
  }
  t.true(hit('vnet', 'outbound', 'vnet-route') > 0)
  t.true(hit('vnet', 'inbound', 'decap') > 0)
  // The load balancer's rules are inbound; its outbound side is made of connections, seen by what flows do.
  t.true(hit('load-balancer', 'inbound', 'nat') > 0)
  const nat = (direction: string, ...what: readonly string[]): number =>
    flows.busiest.filter((f) => f.direction === direction && what.every((edit) => f.transposition.includes(edit))).reduce((n, f) => n + f.packets, 0)
  t.true(nat('inbound', ' dstIp=10.0.1.4 ', 'dstPort=8080') > 0)
  t.true(nat('outbound', 'srcIp=10.0.9.80 srcPort=80') > 0)
  t.true(nat('outbound', 'srcIp=fd00:10:0:9::80 srcPort=80') > 0)
  t.true(nat('outbound', 'srcIp=10.0.9.53') > 0)
})

test('main job: meters account for every packet that a VM got or that left it', async (t) => {
  const { meters, frames, drops } = await report
  const sum = (of: (m: (typeof meters)[number]) => number): number => meters.reduce((n, m) => n + of(m), 0)
  t.is(sum((m) => m.receivedPackets), frames.delivered)
  t.is(sum((m) => m.sentPackets), frames.delivered + drops.filter((d) => d.direction === 'inbound').reduce((n, d) => n + d.packets, 0))
})

test('main job: flows to a host with two addresses use both, and each flow one of them', async (t) => {
  const { tunnels, flows } = await report
  const web1 = tunnels.filter((l) => l.host === 'web-1')
  t.deepEqual(web1.map((l) => l.to), ['192.0.2.11', '192.0.2.12'])
  t.true(web1.every((l) => l.frames > 50))
  const into = flows.busiest.filter((f) => f.port === 'web-1' && f.direction === 'inbound').map((f) => f.key.split(' in vxlan '))
  t.is(new Set(into.map(([inner]) => inner)).size, into.length)
})

test('main job: most packets take the fast path, and both paths are timed', async (t) => {
  const { paths, frames, drops } = await report
  t.true((paths.fastShare ?? 0) > 0.9)
  const passages = 2 * frames.delivered + drops.reduce((n, d) => n + d.packets * (d.direction === 'inbound' ? 2 : 1), 0)
  t.is(paths.fast.packets + paths.slow.packets, passages)
  t.true((paths.fast.medianNs ?? 0) > 0 && (paths.slow.medianNs ?? 0) > 0)
})

test('main job: rules of a group stand in an order that every port has, the catch-all last, with the ports that have them', async (t) => {
  const { rules } = await report
  const customer = (direction: string): readonly (readonly [string, string])[] =>
    rules.filter((r) => r.group === 'customer' && r.direction === direction).map((r) => [r.rule, r.ports.join(' ')])
  const all = 'client-1 client-2 stranger web-1 web-2 dns'
  t.deepEqual(customer('outbound'), [
    ['ask-anyone', 'client-1 client-2 stranger'], ['ask-names', 'web-1 web-2'], ['ping', all], ['arp', all], ['otherwise', all],
  ])
  t.deepEqual(customer('inbound'), [
    ['web', 'web-1 web-2'], ['speed-test', 'web-1 web-2'], ['any-udp', 'web-1 web-2'],
    ['strangers-ask-elsewhere', 'dns'], ['answer-names', 'dns'], ['ping', all], ['arp', all], ['otherwise', all],
  ])
})

test('main job: the tables fit a page, say what their signs mean, and hang what they wrap', async (t) => {
  const { stdout } = await run(['--flows', '400'])
  const lines = stdout.split('\n')
  t.deepEqual(lines.filter((line) => line.length > 116), [])
  for (const legend of ['0: ', 'pop: ', 'push: ', 'copy: ', '(no reverse flow yet): ']) t.true(lines.some((line) => line.startsWith(legend)), legend)
  t.regex(stdout, /\n +0: dstMac=\S+; push vxlan\(.*\n {32}\S/)
  t.true(stdout.includes('The mean exceeds the median because'))
  t.true(stdout.includes('only what passes is counted'))
  t.true(stdout.includes('(ECMP)'), 'one host has two addresses')
  t.true(lines.indexOf('acl inbound, group customer') > 0)
})
