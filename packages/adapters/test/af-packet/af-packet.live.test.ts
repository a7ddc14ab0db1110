import { createSocket } from 'node:dgram'
import { readdirSync } from 'node:fs'
import { testNeeding } from '@vfp-ts/needs'
import { isLeft } from 'fp-ts/lib/Either.js'
import { makeFrameView, parseFrame, Reason, Verify } from '@vfp-ts/core'
import { openAfPacket } from '../../src/af-packet/index.js'
import { isPartial, type Nic, offloadOf, SendCode } from '../../src/nic/index.js'
import { completeChecksum } from '../../src/offload/complete-checksum.js'
import { codes, numbered, startInbox, until } from '../native/inbox.js'
import { orThrow } from '../native/or-throw.js'
import { enterPrivateNetwork, ip, veth } from '../native/private-network.js'

const test = testNeeding('network namespaces', 'koffi', 'ip', 'packet sockets')
test.before(enterPrivateNetwork)

let pairs = 0

/** A NIC on each end of a new veth, closed and removed after the test. */
const pair = async (t: { teardown: (undo: () => Promise<void>) => void }, offloads = false): Promise<{ a: string; b: string; nic: Nic; peer: Nic }> => {
  const [a, b] = [`va${++pairs}`, `vb${pairs}`]
  veth(a, b)
  const nic = orThrow(await openAfPacket({ interface: a, offloads }))
  const peer = orThrow(await openAfPacket({ interface: b, offloads }))
  t.teardown(async () => {
    await Promise.all([nic.close(), peer.close()])
    if (ip('-br link').includes(`${a}@`)) ip(`link del ${a}`)
  })
  return { a, b, nic, peer }
}

const give = (nic: Nic, ...frames: readonly Uint8Array[]): readonly SendCode[] => frames.map((frame) => nic.send(frame, 0, frame.length))

/** The code of why it was not opened. */
const refusal = async (name: string): Promise<string> => {
  const answer = await openAfPacket({ interface: name })
  return isLeft(answer) ? answer.left.code : 'opened'
}

test('AF_PACKET: what cannot be opened says why', async (t) => {
  t.is(await refusal('vfp-none'), 'NotFound')
  t.is(await refusal('a name with blanks'), 'BadOptions')
  t.is(await refusal(''), 'BadOptions')
  t.is(await refusal('sixteen-letters-'), 'BadOptions')
})

test.serial('AF_PACKET: closing leaves no descriptor open, and neither does failing', async (t) => {
  veth('vfd0', 'vfd1')
  t.teardown(() => void ip('link del vfd0'))
  const use = async (): Promise<void> => {
    const nic = orThrow(await openAfPacket({ interface: 'vfd0' }))
    startInbox(nic)
    await nic.close()
    await orThrow(await openAfPacket({ interface: 'vfd0' })).close()
    await refusal('vfp-none')
  }
  const open = (): readonly string[] => readdirSync('/proc/self/fd')
  await use()
  const before = open().length
  for (let i = 0; i < 20; i++) await use()
  // Other test files open and close in other threads; what is leaked here would be at least twenty.
  await until('descriptors to be closed', () => open().length <= before + 10)
  t.pass()
})

test('AF_PACKET: checksums that the kernel leaves to the hardware are announced, and right when completed', async (t) => {
  const { b, nic } = await pair(t)
  ip(`addr add 10.9.0.1/24 dev ${b}`)
  ip(`neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev ${b} nud permanent`)
  const inbox = startInbox(nic, (frame) => frame[12] === 8 && frame[23] === 17)
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  socket.send(Buffer.from('a datagram'), 5000, '10.9.0.2')
  await until('the datagram', () => inbox.frames.length > 0)
  const [{ frame, offload } = { frame: new Uint8Array(0), offload: 0 }] = inbox.frames
  const view = makeFrameView()
  t.true(isPartial(offload))
  t.is(parseFrame(view, frame, 0, frame.length, undefined, Verify.All), Reason.BadChecksum)
  completeChecksum(frame, 0, frame.length, view)
  t.is(parseFrame(view, frame, 0, frame.length, undefined, Verify.All), Reason.Ok)
})

test('AF_PACKET: an unfinished frame is finished by the kernel that gets it', async (t) => {
  const { b, nic } = await pair(t, true)
  ip(`addr add 10.8.0.1/24 dev ${b}`)
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  await new Promise<void>((resolve) => socket.bind(5001, '10.8.0.1', resolve))
  const message = new Promise<string>((resolve) => socket.once('message', (bytes) => resolve(bytes.toString())))
  startInbox(nic)
  await until('the link', () => nic.link() === 'up')
  const mac = Buffer.from(/ether ([0-9a-f:]+)/.exec(ip(`link show ${b}`))?.[1]?.replaceAll(':', '') ?? '', 'hex')
  const frame = Buffer.concat([
    mac, Buffer.from('020000000002' + '0800' + '4500002100004000401126a70a0800020a080001' + '1389' + '1389' + '000d' + 'ffff', 'hex'), Buffer.from('hello'),
  ])
  // The IPv4 header's checksum is ours; the datagram's is nonsense, which nobody may see.
  let sum = 0
  frame.writeUInt16BE(0, 24)
  for (let i = 14; i < 34; i += 2) sum += frame.readUInt16BE(i)
  frame.writeUInt16BE(~((sum & 0xffff) + (sum >>> 16)) & 0xffff, 24)
  t.is(nic.send(frame, 0, frame.length, offloadOf(true, 0)), SendCode.Ok)
  t.is(await message, 'hello')
})

const tag = (frame: Uint8Array, ...tags: readonly number[]): Uint8Array =>
  Uint8Array.of(...frame.subarray(0, 12), ...tags.flatMap((word) => [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff]), ...frame.subarray(12))

test('AF_PACKET: VLAN tags, which the kernel takes out, are in the frame, long or short', async (t) => {
  const { a, b, nic, peer } = await pair(t)
  ip(`link set ${b} mtu 4000`)
  ip(`link set ${a} mtu 4000`)
  const inbox = startInbox(nic)
  startInbox(peer)
  await until('the MTU', () => peer.mtu() === 4000 && peer.link() === 'up')
  const frames = [
    tag(numbered(1, 60), 0x8100_6007), tag(numbered(2, 60), 0x88a8_0fff), tag(numbered(3, 1514), 0x88a8_0001, 0x8100_2002), numbered(4, 60),
    tag(numbered(5, 3000), 0x8100_0005), tag(numbered(6, 60), 0x8100_0000),
  ]
  t.deepEqual(give(peer, ...frames), frames.map(() => SendCode.Ok))
  await until('the frames', () => inbox.frames.length === frames.length, () => inbox.frames.length)
  t.deepEqual(inbox.frames.map(({ frame }) => Buffer.from(frame).toString('hex')), frames.map((frame) => Buffer.from(frame).toString('hex')))
})

test('AF_PACKET: frames longer than a slot of the ring come whole and in order among short ones', async (t) => {
  const { a, b, nic, peer } = await pair(t)
  for (const name of [a, b]) ip(`link set ${name} mtu 65535`)
  const inbox = startInbox(nic)
  startInbox(peer)
  await until('the MTU', () => nic.mtu() === 65_535 && peer.mtu() === 65_535)
  const lengths = Array.from({ length: 300 }, (_, i) => (i % 7 < 3 ? 60 + i : i % 7 === 3 ? 65_549 : 2_000 + 97 * i))
  for (let n = 0; n < lengths.length; n += 20) {
    const frames = lengths.slice(n, n + 20).map((length, i) => numbered(n + i, length))
    t.true(give(peer, ...frames).every((code) => code === SendCode.Ok))
    await until('the frames', () => inbox.frames.length === n + frames.length, () => [inbox.frames.length, nic.counters()])
  }
  t.true(inbox.frames.every(({ frame }, n) => Buffer.compare(frame, numbered(n, lengths[n] ?? 0)) === 0))
})

test('AF_PACKET: what the kernel had no room for is counted as Overrun', async (t) => {
  const { nic, peer } = await pair(t)
  const inbox = startInbox(nic)
  startInbox(peer)
  await until('the link', () => peer.link() === 'up')
  for (let n = 0; n < 10_000; n++) peer.send(numbered(n & 0xffff, 60), 0, 60)
  peer.flush()
  await until('all to be counted', () => inbox.frames.length + (nic.counters().receiveDrops.Overrun ?? 0) === 10_000, () => nic.counters())
  t.true((nic.counters().receiveDrops.Overrun ?? 0) > 1_000)
  t.is(nic.counters().received, inbox.frames.length)
})

test('AF_PACKET: what others send from the same interface is not received there', async (t) => {
  const { a, nic, peer } = await pair(t)
  const other = orThrow(await openAfPacket({ interface: a }))
  t.teardown(() => other.close())
  const mine = startInbox(nic)
  const theirs = startInbox(peer)
  startInbox(other)
  await until('the link', () => other.link() === 'up' && peer.link() === 'up')
  give(other, numbered(1, 60))
  await until('the frame', () => theirs.frames.length === 1)
  give(peer, numbered(2, 60))
  await until('the answer', () => mine.frames.length > 0)
  t.deepEqual(mine.frames.map(({ frame }) => frame[11]), [2])
})

test('AF_PACKET: a receiver that writes over all of the batch in front of its frames harms nothing', async (t) => {
  const { nic, peer } = await pair(t)
  let received = 0
  orThrow(nic.start({
    frames: ({ bytes, start, length, count }) => {
      for (let i = 0; i < count; i++) received += bytes[(start[i] ?? 0) + 11] === 7 ? 1 : 0
      bytes.fill(0xff, 0, (start[count - 1] ?? 0) + (length[count - 1] ?? 0))
    },
  }))
  startInbox(peer)
  await until('the link', () => peer.link() === 'up')
  // Thrice round the ring, in portions that end anywhere in it.
  for (let sent = 0; sent < 7_000; ) {
    for (let i = 0; i < 37; i++, sent++) peer.send(numbered(7, 60), 0, 60)
    peer.flush()
    await until('the frames', () => received === sent, () => [received, sent, nic.counters()])
  }
  t.deepEqual(nic.counters().receiveDrops, {})
})

test('AF_PACKET: down is told as a retryable LinkDown, up again by itself; a new MTU holds at once', async (t) => {
  const { a, nic, peer } = await pair(t)
  const inbox = startInbox(nic)
  const far = startInbox(peer)
  await until('the link', () => nic.link() === 'up')
  ip(`link set ${a} down`)
  await until('LinkDown', () => inbox.failures.length > 0)
  t.deepEqual([inbox.links.at(-1), codes(inbox)], ['down', ['LinkDown (retryable)']])
  t.deepEqual(give(nic, numbered(1, 60)), [SendCode.LinkDown])
  ip(`link set ${a} mtu 1300 up`)
  await until('the link', () => nic.link() === 'up' && inbox.links.at(-1) === 'up' && peer.link() === 'up')
  t.is(nic.mtu(), 1300)
  t.deepEqual(give(nic, numbered(2, 1315), numbered(3, 1314)), [SendCode.TooLong, SendCode.Ok])
  give(peer, numbered(4, 60))
  await until('frames both ways', () => far.frames.length === 1 && inbox.frames.length === 1)
})

test('AF_PACKET: an interface that is deleted is Gone, for good', async (t) => {
  const { a, nic } = await pair(t)
  const inbox = startInbox(nic)
  await until('the link', () => nic.link() === 'up')
  ip(`link del ${a}`)
  await until('Gone', () => inbox.failures.some(({ code }) => code === 'Gone'), () => inbox)
  t.is(codes(inbox).at(-1), 'Gone')
  t.is(inbox.links.at(-1), 'down')
  t.deepEqual(give(nic, numbered(1, 60)), [SendCode.Closed])
})

test('AF_PACKET: bytes that a receiver kept can still be read after close', async (t) => {
  const { nic, peer } = await pair(t)
  let kept: Uint8Array = new Uint8Array(0)
  orThrow(nic.start({ frames: ({ bytes }) => void (kept = bytes) }))
  startInbox(peer)
  await until('the link', () => peer.link() === 'up')
  give(peer, numbered(1, 60))
  await until('a frame', () => kept.length > 0)
  await nic.close()
  t.is(kept.reduce((sum, byte) => sum + byte, 0), 0)
})

test('AF_PACKET: the interface takes frames for other addresses unless it is told not to', async (t) => {
  const { a, nic } = await pair(t)
  t.is(typeof nic.mac, 'string')
  t.regex(ip(`-d link show ${a}`), /promiscuity 1/)
  await nic.close()
  const plain = orThrow(await openAfPacket({ interface: a, promiscuous: false }))
  t.regex(ip(`-d link show ${a}`), /promiscuity 0/)
  await plain.close()
})
