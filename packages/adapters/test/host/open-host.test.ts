import { buildFrame, dissect, formatFrame, orThrow, wire as protocols } from '@vfp-ts/core'
import test from 'ava'
import { memoryPair } from '../../src/memory/index.js'
import { type Nic, type NicError, renderNicError, SendCode } from '../../src/nic/index.js'
import type { HostOptions } from '../../src/host/index.js'
import { frame, intact } from './frames.js'
import { macOf, openRig, tenantPort, tenants, twoHosts } from './rig.js'

test('host: VMs of two hosts ping each other through VXLAN, after the hosts have found each other', (t) => {
  const { rig, vms: [four, five], wire, hosts } = twoHosts()
  const request = frame(4, 5, { proto: 'icmp', payload: Uint8Array.of(1, 2, 3) })
  four.send(request)
  rig.run()
  t.deepEqual(five.came().map((c) => c.frame), [request])
  const [question, answer, tunnelled, ...more] = wire.passed()
  t.regex(formatFrame(orThrow(dissect(question!))), /who-has 192\.0\.2\.2 tell 192\.0\.2\.1/)
  t.regex(formatFrame(orThrow(dissect(answer!))), /192\.0\.2\.2 is-at 02:00:00:00:0a:02/)
  t.regex(formatFrame(orThrow(dissect(tunnelled!))), /02:00:00:00:0a:01 > 02:00:00:00:0a:02[^]*192\.0\.2\.1 > 192\.0\.2\.2[^]*VXLAN[^]*5001[^]*ICMP echo request/)
  t.true(intact(tunnelled!))
  t.deepEqual(more, [])
  const reply = frame(5, 4, { proto: 'icmp' })
  five.send(reply)
  rig.run()
  t.deepEqual(four.came().map((c) => c.frame), [reply])
  for (const host of hosts) t.deepEqual(host.report().drops, {})
})

test('host: packets that waited for an answer leave when it has come', (t) => {
  const ca = tenants()
  const cell = { version: 0 }
  let known = false
  let tell = (): void => undefined
  const asked: number[] = []
  const { rig, vms: [four, five], hosts: [one] } = twoHosts({}, {
    ...ca,
    lookup: (key) => (known ? ca.lookup(key) : { _tag: 'Unknown', cell }),
    request: () => void asked.push(1),
    watch: (answered) => {
      tell = answered
      return () => undefined
    },
  })
  const sent = [1, 2, 3].map((n) => frame(4, 5, { payload: Uint8Array.of(n) }))
  for (const each of sent) four.send(each)
  rig.run()
  t.deepEqual(five.came(), [])
  t.is(one.switch.port('vm-4')?.counters().pending.waiting, 3)
  t.is(asked.length, 1)
  known = true
  cell.version++
  // No batch is under way now, and nothing else will flush.
  tell()
  rig.run()
  t.deepEqual(five.came().map((c) => c.frame), sent)
})

test('host: flushes each NIC that got frames once behind a batch, and at once where there is none', (t) => {
  const rig = openRig()
  const host = rig.host()
  for (const n of [1, 2]) orThrow(host.switch.addPort({ name: `vm-${n}`, mac: macOf(n) }))
  const [one, two, up] = ['tap-1', 'tap-2', 'eth0'].map((name) => rig.link(name))
  const flushed: string[] = []
  const noting = (nic: Nic): Nic => ({ ...nic, flush: () => void flushed.push(nic.name) })
  orThrow(host.plug('vm-1', noting(one!.near)))
  orThrow(host.plug('vm-2', noting(two!.near)))
  orThrow(host.uplink(noting(up!.near)))
  for (let n = 0; n < 10; n++) one!.far.send(frame(1, 2))
  rig.run()
  t.deepEqual(flushed.splice(0), ['tap-2'])
  one!.far.send(frame(1, 9))
  one!.far.send(frame(1, 2))
  rig.run()
  t.deepEqual(flushed.splice(0).sort(), ['eth0', 'tap-2'])
  host.switch.fromNetwork(frame(9, 1))
  t.deepEqual(flushed, ['tap-1'])
})

test('host: refuses NICs for no port, for a port that has one, and that do not start', async (t) => {
  const rig = openRig()
  const host = rig.host()
  orThrow(host.switch.addPort({ name: 'a', mac: macOf(1) }))
  orThrow(host.switch.addPort({ name: 'b', mac: macOf(2) }))
  const first = rig.link('tap-a')
  t.like(host.plug('c', first.near), { left: { _tag: 'NoSuchPort', port: 'c' } })
  orThrow(host.plug('a', first.near))
  t.like(host.plug('a', rig.link('other').near), { left: { _tag: 'Plugged', port: 'a', nic: 'tap-a' } })
  t.like(host.plug('b', first.near), { left: { _tag: 'NicError', code: 'BadState' } })
  t.is(host.report().ports[1]?.nic, undefined)
  orThrow(host.uplink(rig.link('eth0').near))
  t.like(host.uplink(rig.link('eth1').near), { left: { _tag: 'Plugged', port: undefined, nic: 'eth0' } })
  t.like(await host.unplug('c'), { left: { _tag: 'NoSuchPort', port: 'c' } })
  orThrow(await host.unplug('b'))
  rig.run()
  await host.close()
  t.like(host.plug('b', rig.link('late').near), { left: { _tag: 'HostClosed' } })
  t.like(host.uplink(rig.link('late').near), { left: { _tag: 'HostClosed' } })
  t.like(await host.unplug('a'), { left: { _tag: 'HostClosed' } })
})

test('host: a place that was unplugged takes another NIC', async (t) => {
  const { rig, hosts: [one], vms: [four, five] } = twoHosts()
  const gone = one.unplug('vm-4')
  const next = rig.link('tap-new')
  orThrow(one.plug('vm-4', next.near))
  rig.run()
  orThrow(await gone)
  t.is(four.send(frame(4, 5)), SendCode.LinkDown)
  next.far.send(frame(4, 5))
  rig.run()
  t.is(five.came().length, 1)
  t.is(one.report().ports[0]?.nic?.name, 'tap-new')
  orThrow(await one.unplug(undefined))
  t.is(one.report().uplink, undefined)
})

test('host: counts what is for a port or an uplink without a NIC', (t) => {
  const rig = openRig()
  const host = rig.host()
  for (const n of [1, 2]) orThrow(host.switch.addPort({ name: `vm-${n}`, mac: macOf(n) }))
  const link = rig.link('tap-1')
  orThrow(host.plug('vm-1', link.near))
  link.far.send(frame(1, 2))
  link.far.send(frame(1, 9))
  rig.run()
  t.deepEqual(host.report().drops, { NoNic: 2 })
})

test('host: a port that is removed takes its NIC with it, and the others go on', (t) => {
  const { rig, hosts: [one, two], vms: [four, five] } = twoHosts()
  for (let n = 0; n < 10; n++) five.send(frame(5, 4))
  orThrow(two.switch.port('vm-5')!.remove())
  four.send(frame(4, 5))
  rig.run()
  t.is(five.nic.link(), 'down')
  t.deepEqual(two.report().ports, [])
  t.deepEqual(two.report().drops, { NoPortForMac: 1 })
  t.like(one.report().uplink?.counters, { sent: 1 })
})

test('host: tells of links and failures, by port', (t) => {
  const rig = openRig()
  const told: unknown[] = []
  const host = rig.host({ onNic: (port, event) => told.push([port, event._tag, event._tag === 'Link' ? event.state : event._tag === 'Mtu' ? event.bytes : event.error.code]) })
  orThrow(host.switch.addPort({ name: 'a', mac: macOf(1) }))
  const link = rig.link('tap-a')
  orThrow(host.plug('a', link.near))
  const uplink = rig.link('eth0')
  orThrow(host.uplink(uplink.near))
  link.setLink('down')
  uplink.setLink('down')
  rig.run()
  link.setLink('up')
  rig.run()
  t.deepEqual(told, [['a', 'Link', 'down'], [undefined, 'Link', 'down'], ['a', 'Link', 'up']])
})

test('host: goes on without a NIC that failed for good, and shows it until it is unplugged', async (t) => {
  const rig = openRig()
  const told: string[] = []
  const host = rig.host({ onNic: (port, event) => told.push(`${port ?? 'uplink'} ${event._tag === 'Failed' ? renderNicError(event.error) : event._tag === 'Mtu' ? event.bytes : event.state}`) })
  for (const n of [1, 2, 3]) orThrow(host.switch.addPort({ name: `vm-${n}`, mac: macOf(n) }))
  const [one, two, three] = [1, 2, 3].map((n) => rig.link(`tap-${n}`))
  // The NIC is told to fail by its own means: it closes itself, and says so.
  let fail: (error: NicError) => void = () => t.fail('not started')
  const failing: Nic = {
    ...two!.near,
    start: (receiver) => {
      fail = (error) => {
        void two!.near.close()
        receiver.failed?.(error)
      }
      return two!.near.start(receiver)
    },
  }
  orThrow(host.plug('vm-1', one!.near))
  orThrow(host.plug('vm-2', failing))
  orThrow(host.plug('vm-3', three!.near))
  fail({ _tag: 'NicError', nic: 'tap-2', operation: 'receive', code: 'Gone', reason: 'the interface was deleted', retryable: false })
  t.deepEqual(told, ['vm-2 tap-2: receive: Gone: the interface was deleted'])
  for (const to of [2, 3]) one!.far.send(frame(1, to))
  rig.run()
  t.is(three!.far.came().length, 1)
  t.like(host.report().ports[1]?.nic, { link: 'down', counters: { sendDrops: { Closed: 1 } } })
  orThrow(await host.unplug('vm-2'))
  orThrow(host.plug('vm-2', rig.link('tap-2b').near))
  t.is(host.report().ports[1]?.nic?.link, 'up')
})

test('host: hands on the hooks of the environment it was given', (t) => {
  const rig = openRig()
  const told: string[] = []
  const environment: NonNullable<HostOptions['environment']> = {
    deletePort: ({ name }) => told.push(`deleted ${name}`),
    disconnectPort: ({ name }) => told.push(`disconnected ${name}`),
  }
  const host = rig.host({ environment })
  const port = orThrow(host.switch.addPort({ name: 'a', mac: macOf(1) }))
  orThrow(port.remove())
  t.deepEqual(told, ['disconnected a', 'deleted a'])
})

test('host: forgets idle flows by itself', (t) => {
  const rig = openRig()
  const host = rig.host({ flowIdleUs: 5_000_000 })
  const port = orThrow(host.switch.addPort({ name: 'vm-1', mac: macOf(1) }))
  const link = rig.link('tap-1')
  orThrow(host.plug('vm-1', link.near))
  for (let n = 0; n < 50; n++) link.far.send(frame(1, 2, { srcPort: 1_000 + n }))
  rig.run()
  t.is(port.counters().flows, 50)
  rig.timers.advance(4_000)
  t.is(port.counters().flows, 50)
  rig.timers.advance(4_000)
  t.is(port.counters().flows, 0)
})

test('host: every frame is sent or counted, also when a VM floods', (t) => {
  const rig = openRig()
  const host = rig.host()
  for (const n of [1, 2, 3]) orThrow(host.switch.addPort({ name: `vm-${n}`, mac: macOf(n) }))
  const links = [1, 2, 3].map((n) => rig.link(`tap-${n}`, { queueFrames: n === 2 ? 40 : 1_024, batchFrames: 32 }))
  for (const [i, link] of links.entries()) orThrow(host.plug(`vm-${i + 1}`, link.near))
  const [flood, narrow, quiet] = links.map((link) => link.far)
  let given = 0
  let refused = 0
  for (let round = 0; round < 50; round++) {
    for (let n = 0; n < 100; n++) {
      given++
      if (flood!.send(frame(1, n % 3 === 0 ? 9 : 2)) !== SendCode.Ok) refused++
    }
    rig.run(1)
  }
  quiet!.send(frame(3, 2))
  rig.run()
  const [one, two, three] = host.report().ports.map(({ nic, counters }) => ({ nic: nic!.counters, counters }))
  t.is(one!.nic.received, given - refused)
  t.is(one!.counters.packets, given - refused)
  const toNetwork = host.report().drops['NoNic'] ?? 0
  const sentTo2 = two!.nic.sent + (two!.nic.sendDrops['Full'] ?? 0)
  t.is(toNetwork + sentTo2, given - refused + three!.nic.received)
  t.is(two!.nic.sent, narrow!.came().length)
})

test('host: the frame of a VM that says little gets through while another floods', (t) => {
  const rig = openRig()
  const host = rig.host()
  for (const n of [1, 2, 3]) orThrow(host.switch.addPort({ name: `vm-${n}`, mac: macOf(n) }))
  const links = [1, 2, 3].map((n) => rig.link(`tap-${n}`))
  for (const [i, link] of links.entries()) orThrow(host.plug(`vm-${i + 1}`, link.near))
  const [flood, quiet, to] = links.map((link) => link.far)
  const fill = (): void => {
    while (flood!.send(frame(1, 9)) === SendCode.Ok);
  }
  fill()
  quiet!.send(frame(2, 3))
  let turns = 0
  for (; to!.came().length === 0; turns++) {
    if (turns > 100) return t.fail('nothing came in a hundred turns')
    fill()
    rig.run(1)
  }
  // One of the flood's, its own, and that of its receiver.
  t.true(turns <= 4, String(turns))
})

test('host: closes under load: what was queued arrives, nothing is taken afterwards', async (t) => {
  const { rig, hosts, vms: [four, five] } = twoHosts()
  four.send(frame(4, 5))
  rig.run()
  five.came()
  for (let n = 0; n < 200; n++) four.send(frame(4, 5, { payload: Uint8Array.of(n) }))
  rig.run(1)
  const closing = hosts[0].close()
  t.is(hosts[0].close(), closing)
  rig.run()
  await closing
  t.is(five.came().length, 200)
  t.is(four.send(frame(4, 5)), SendCode.LinkDown)
  t.is(hosts[0].report().uplink, undefined)
  const closingTwo = hosts[1].close()
  rig.run()
  await closingTwo
  t.is(rig.timers.pending(), 0)
})

test('host: packets grow old also after a hook of the program threw while they were looked at', (t) => {
  const rig = openRig()
  let due = false
  const host = rig.host({ clock: { nowUs: () => {
    if (!due) return 0
    due = false
    throw new Error('its own fault')
  } } })
  tenantPort(host, 4, 1, tenants())
  due = true
  t.throws(() => rig.timers.advance(1_000), { message: 'its own fault' })
  t.is(rig.timers.pending(), 1)
  t.notThrows(() => rig.timers.advance(1_000))
  t.is(rig.timers.pending(), 1)
})

test('host: nothing is looked at any more once a hook closed the host meanwhile', async (t) => {
  const rig = openRig()
  let due = false
  const host = rig.host({ clock: { nowUs: () => {
    if (due) void host.close()
    return 0
  } } })
  tenantPort(host, 4, 1, tenants())
  due = true
  rig.timers.advance(1_000)
  t.is(rig.timers.pending(), 0)
  await host.close()
})

/** In as many VXLAN tunnels of the VM's own. */

test('host: the switch follows the MTU of the uplink, down and up, and the VM is told', (t) => {
  const rig = openRig()
  const events: string[] = []
  const tasks: (() => void)[] = []
  const pair = memoryPair({ names: ['uplink', 'wire'], mtu: 1600, schedule: (task) => { tasks.push(task) } })
  const runAll = (): void => {
    rig.run()
    for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task()
    rig.run()
  }
  const host = rig.host({ onNic: (port, event) => { if (event._tag === 'Mtu') events.push(`${port ?? 'uplink'} ${event.bytes}`) } })
  const left: number[] = []
  orThrow(pair.b.start({ frames: ({ length, count }) => { for (let i = 0; i < count; i++) left.push(length[i]! - 14) } }))
  orThrow(host.uplink(pair.a))
  tenantPort(host, 4, 1, tenants())
  const vm = rig.link('tap-4', { mtu: 9000 })
  orThrow(host.plug('vm-4', vm.near))
  const say = (bytes: number): readonly number[] => {
    vm.far.send(orThrow(buildFrame({ proto: 'udp', srcMac: macOf(4), dstMac: macOf(5), srcIp: '10.0.1.4', dstIp: '10.0.1.5', payload: new Uint8Array(bytes - 28) })))
    runAll()
    return [...left.splice(0), ...vm.far.came().map(({ frame: told }) => -((told[40]! << 8) | told[41]!))]
  }
  t.deepEqual(say(1550), [1600])
  t.deepEqual(say(1551), [-1550])
  pair.setMtu(1400)
  t.deepEqual(say(1550), [-1350], 'before the NIC has told')
  t.deepEqual(events, ['uplink 1400'])
  t.deepEqual(say(1350), [1400])
  pair.setMtu(1600)
  runAll()
  t.deepEqual(say(1550), [1600])
  t.deepEqual(events, ['uplink 1400', 'uplink 1600'])
  t.deepEqual(host.report().uplink?.counters.sendDrops, {})
})

test('host: the MTU of the options bounds that of the uplink', (t) => {
  const rig = openRig()
  const host = rig.host({ mtu: { network: 1400 } })
  orThrow(host.uplink(rig.link('uplink', { mtu: 1600 }).near))
  tenantPort(host, 4, 1, tenants())
  const vm = rig.link('tap-4')
  orThrow(host.plug('vm-4', vm.near))
  vm.far.send(orThrow(buildFrame({ proto: 'udp', srcMac: macOf(4), dstMac: macOf(5), srcIp: '10.0.1.4', dstIp: '10.0.1.5', payload: new Uint8Array(1351 - 28) })))
  rig.run()
  t.deepEqual(vm.far.came().map(({ frame: told }) => (told[40]! << 8) | told[41]!), [1350])
})

test('host: the VM learns of the MTU of a path from a router’s error about its tunnel, and not from one about what was never sent', (t) => {
  const { rig, hosts: [one], vms: [four, five], wire } = twoHosts()
  const say = (bytes: number): Uint8Array => orThrow(buildFrame({ proto: 'udp', srcMac: macOf(4), dstMac: macOf(5), srcIp: '10.0.1.4', dstIp: '10.0.1.5', payload: new Uint8Array(bytes - 28) }))
  four.send(say(1_450))
  rig.run()
  t.is(five.came().length, 1)
  const outer = wire.passed().find((frame) => frame.length === 1_514)!
  /** The error of a router that knows the outer packet up to the UDP header. */
  const refusal = (quote: Uint8Array): Uint8Array => {
    const made = orThrow(buildFrame({ proto: 'icmp', srcMac: '02:00:00:00:0a:02', dstMac: '02:00:00:00:0a:01', srcIp: '203.0.113.7', dstIp: '192.0.2.1', payload: quote }))
    made.set([3, 4, 0, 0, 0, 0, 1_400 >>> 8, 1_400 & 0xff], 34)
    const sum = protocols.checksum.checksum(made, 34, made.length)
    made.set([sum >>> 8, sum & 0xff], 36)
    return made
  }
  const tell = (quote: Uint8Array): void => {
    const frame = refusal(quote)
    wire.ends[1].send(frame, 0, frame.length)
    rig.run()
  }
  const forged = outer.slice(14, 42)
  forged[20]! ^= 1
  tell(forged)
  four.send(say(1_450))
  rig.run()
  t.is(five.came().length, 1)
  tell(outer.slice(14, 42))
  four.send(say(1_450))
  rig.run()
  t.is(five.came().length, 0)
  t.deepEqual(four.came().map(({ frame: told }) => [told[34], told[35], (told[40]! << 8) | told[41]!]), [[3, 4, 1_350]])
  four.send(say(1_350))
  rig.run()
  t.is(five.came().length, 1)
  t.like(one.report().uplink?.counters.receiveDrops, { PathMtu: 1, ForgedError: 1 })
})
