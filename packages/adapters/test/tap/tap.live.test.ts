import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { testNeeding } from '@vfp-ts/needs'
import { isLeft } from 'fp-ts/lib/Either.js'
import { makeFrameView, parseFrame, Reason, Verify } from '@vfp-ts/core'
import { isPartial, type Nic, SendCode } from '../../src/nic/index.js'
import { openTap, type TapOptions } from '../../src/tap/index.js'
import { codes, numbered, startInbox, until } from '../native/inbox.js'
import { orThrow } from '../native/or-throw.js'
import { enterPrivateNetwork, ip, veth } from '../native/private-network.js'

const test = testNeeding('network namespaces', 'koffi', 'ip', 'TAP devices', 'unshare', 'nsenter', 'cat')
test.before(enterPrivateNetwork)

type Context = { teardown: (undo: () => unknown) => void }

const tap = async (t: Context, options: TapOptions): Promise<Nic> => {
  const nic = orThrow(await openTap(options))
  t.teardown(() => nic.close())
  return nic
}

const refusal = async (options: TapOptions): Promise<string> => {
  const answer = await openTap(options)
  return isLeft(answer) ? answer.left.code : 'opened'
}

test('TAP: what cannot be opened says why, and leaves no device behind', async (t) => {
  veth('vtap0', 'vtap1')
  t.teardown(() => ip('link del vtap0'))
  t.is(await refusal({ interface: 'vtap0' }), 'BadOptions')
  t.is(await refusal({ interface: 'no/slash' }), 'BadOptions')
  t.is(await refusal({ interface: 'tap%s' }), 'BadOptions')
  t.is(await refusal({ interface: 'bad0', mtu: 67 }), 'BadOptions')
  t.is(await refusal({ interface: 'bad0', mac: '01:00:00:00:00:01' }), 'BadOptions')
  t.is(await refusal({ interface: 'bad0', mac: '00:00:00:00:00:00', persist: true }), 'System')
  await tap(t, { interface: 'busy0' })
  t.is(await refusal({ interface: 'busy0' }), 'Busy')
  t.false(ip('-br link').includes('bad0'))
})

test('TAP: the device is as the options say, and goes with the NIC', async (t) => {
  const nic = await tap(t, { interface: 'opt%d', mac: '02:00:00:00:00:0A', mtu: 9000, up: true, name: 'vm-1' })
  t.is(nic.name, 'vm-1')
  t.is(nic.mac, '02:00:00:00:00:0a')
  t.is(nic.mtu(), 9000)
  t.is(nic.link(), 'up')
  t.regex(ip('-br link'), /^opt0 .* 02:00:00:00:00:0a .*UP/m)
  t.regex(ip('link show opt0'), /mtu 9000/)
  await nic.close()
  t.false(ip('-br link').includes('opt0'))
})

test('TAP: a device that persists stays, and is removed by whoever opens it otherwise', async (t) => {
  await (await tap(t, { interface: 'stay0', persist: true })).close()
  t.regex(ip('-br link'), /^stay0 /m)
  await (await tap(t, { interface: 'stay0' })).close()
  t.false(ip('-br link').includes('stay0'))
})

/** The first datagram that the kernel sends by the device. */
const datagram = async (t: Context, device: string, net: string, offloads: boolean): Promise<{ frame: Uint8Array; offload: number }> => {
  const nic = await tap(t, { interface: device, up: true, offloads })
  ip(`addr add ${net}.1/24 dev ${device}`)
  ip(`neigh add ${net}.2 lladdr 02:00:00:00:00:02 dev ${device} nud permanent`)
  const inbox = startInbox(nic, (frame) => frame[12] === 8 && frame[23] === 17)
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.send(Buffer.from('a datagram'), 5000, `${net}.2`)
  await until('the datagram', () => inbox.frames.length > 0)
  return inbox.frames[0] ?? { frame: new Uint8Array(0), offload: 0 }
}

test('TAP: the kernel leaves checksums to us, and says so', async (t) => {
  const { frame, offload } = await datagram(t, 'part0', '10.1.0', true)
  t.true(isPartial(offload))
  t.is(parseFrame(makeFrameView(), frame, 0, frame.length, undefined, Verify.All), Reason.BadChecksum)
})

test('TAP: without offloads the kernel finishes what it sends', async (t) => {
  const { frame, offload } = await datagram(t, 'full0', '10.2.0', false)
  t.is(offload, 0)
  t.is(parseFrame(makeFrameView(), frame, 0, frame.length, undefined, Verify.All), Reason.Ok)
})

test('TAP: down is told as a retryable LinkDown, up again by itself; a new MTU holds at once', async (t) => {
  const nic = await tap(t, { interface: 'down0', up: true })
  const inbox = startInbox(nic)
  ip('link set down0 down')
  await until('LinkDown', () => inbox.failures.length > 0)
  t.deepEqual([inbox.links, codes(inbox)], [['down'], ['LinkDown (retryable)']])
  t.is(nic.send(numbered(1, 60), 0, 60), SendCode.LinkDown)
  ip('link set down0 mtu 1300 up')
  await until('the link', () => inbox.links.at(-1) === 'up')
  t.is(nic.mtu(), 1300)
  t.is(nic.send(numbered(1, 60), 0, 60), SendCode.Ok)
  nic.flush()
  t.is(nic.counters().sent, 1)
})

test('TAP: a device that is deleted is Gone, for good', async (t) => {
  const nic = await tap(t, { interface: 'gone0', up: true })
  const inbox = startInbox(nic)
  ip('link del gone0')
  await until('Gone', () => codes(inbox).includes('Gone'))
  t.is(nic.link(), 'down')
  t.is(nic.send(numbered(1, 60), 0, 60), SendCode.Closed)
})

test('TAP: in another network namespace it goes on, up, down and until it is deleted', async (t) => {
  const sleeper = spawn('unshare', ['-n', 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] })
  t.teardown(() => sleeper.kill())
  sleeper.stdin.write('ready')
  await once(sleeper.stdout, 'data')
  const nic = await tap(t, { interface: 'move0', up: true })
  const inbox = startInbox(nic, (frame) => frame[12] === 8 && frame[13] === 6)
  ip(`link set move0 netns ${sleeper.pid}`)
  await until('the move', () => inbox.links.at(-1) === 'down', () => inbox)
  const inside = (...args: readonly string[]): Promise<unknown> => once(spawn('nsenter', ['-t', String(sleeper.pid), '-n', ...args]), 'exit')
  await inside('ip', 'addr', 'add', '10.3.0.1/24', 'dev', 'move0')
  await inside('ip', 'link', 'set', 'move0', 'up')
  await until('the link', () => inbox.links.at(-1) === 'up', () => inbox)
  const ping = inside('ping', '-c', '1', '-W', '1', '10.3.0.2')
  await until('an ARP request', () => inbox.frames.length > 0)
  await ping
  t.is(nic.send(numbered(1, 60), 0, 60), SendCode.Ok)
  await inside('ip', 'link', 'set', 'move0', 'down')
  nic.send(numbered(2, 60), 0, 60)
  await until('LinkDown, by sending', () => inbox.links.at(-1) === 'down', () => inbox)
  await inside('ip', 'link', 'del', 'move0')
  await until('Gone', () => codes(inbox).includes('Gone'), () => codes(inbox))
  t.deepEqual(inbox.links, ['down', 'up', 'down'])
})
