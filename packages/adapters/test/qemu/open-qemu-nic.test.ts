import test from 'ava'
import { once } from 'node:events'
import { existsSync, mkdirSync, renameSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { SendCode } from '../../src/nic/nic.js'
import { connectQemuNic } from '../../src/qemu/connect-qemu-nic.js'
import { openQemuNic } from '../../src/qemu/open-qemu-nic.js'
import { dialGuest, framed, makePlace, orFail, startTelling, until } from './places.js'

test('openQemuNic: options that make no sense are refused with the reason', async (t) => {
  const tries = [
    { address: { path: '' } },
    { address: { path: `/tmp/${'x'.repeat(110)}` } },
    { address: { host: '127.0.0.1', port: 65_536 } },
    { address: { path: '/tmp/never' }, mtu: 67 },
    { address: { path: '/tmp/never' }, queueBytes: 1000 },
    { address: { path: '/tmp/never' }, mode: 0o1000 },
    { address: { path: '/tmp/never' }, retryMs: 0 },
  ]
  for (const options of tries) {
    const made = await openQemuNic(options)
    t.like(made, { _tag: 'Left', left: { code: 'BadOptions', operation: 'open', retryable: false } })
  }
  t.false(existsSync('/tmp/never'))
})

test('openQemuNic: a socket somebody listens on is Busy, and stays theirs', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const path = place.path('s')
  const first = orFail(await openQemuNic({ address: { path } }))
  const told = startTelling(t, first)
  const guest = await dialGuest(t, path)
  await until(() => first.link() === 'up', 'the guest')
  t.like(await openQemuNic({ address: { path } }), { _tag: 'Left', left: { code: 'Busy' } })
  guest.write(framed(60))
  await until(() => told.frames.length === 1, 'a frame of the guest, which was not disturbed')
  t.deepEqual(told.links, ['up'])
})

test('openQemuNic: a TCP port somebody listens on is Busy', async (t) => {
  const first = orFail(await openQemuNic({ address: { host: '127.0.0.1', port: 0 } }))
  t.teardown(first.close)
  t.like(await openQemuNic({ address: first.address }), { _tag: 'Left', left: { code: 'Busy', retryable: true } })
})

test('openQemuNic: the socket of a process that was killed is taken over', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const server = createServer().listen(place.path('live'))
  await once(server, 'listening')
  // Closed under another name, its file stays as if the process had been killed.
  renameSync(place.path('live'), place.path('s'))
  server.close()
  t.true(existsSync(place.path('s')))
  const nic = orFail(await openQemuNic({ address: { path: place.path('s') }, mode: 0o600 }))
  t.teardown(nic.close)
  await dialGuest(t, place.path('s'))
  await until(() => nic.link() === 'up', 'the guest')
  t.is(statSync(place.path('s')).mode & 0o777, 0o600)
  await nic.close()
  t.false(existsSync(place.path('s')))
})

test('openQemuNic: a file that is no socket is Busy, and stays as it is', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  writeFileSync(place.path('s'), 'letters')
  t.like(await openQemuNic({ address: { path: place.path('s') } }), { _tag: 'Left', left: { code: 'Busy' } })
  t.is(statSync(place.path('s')).size, 7)
})

test('openQemuNic: a missing directory is NotFound', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  t.like(await openQemuNic({ address: { path: place.path('none/s') } }), { _tag: 'Left', left: { code: 'NotFound', retryable: true } })
})

for (const [what, bytes] of [['0', [0, 0, 0, 0]], ['a gibibyte', [0x40, 0, 0, 0]]] as const) {
  test(`openQemuNic: a frame of ${what} bytes ends the connection, and the next guest is served`, async (t) => {
    const place = makePlace()
    t.teardown(place.remove)
    const nic = orFail(await openQemuNic({ address: { path: place.path('s') } }))
    const told = startTelling(t, nic)
    const guest = await dialGuest(t, place.path('s'))
    guest.write(Buffer.concat([framed(60), Buffer.from(bytes), framed(60)]))
    await once(guest, 'close')
    t.is(told.frames.length, 1)
    t.like(told.failures, { 0: { code: 'BadPeer', retryable: true }, length: 1 })
    t.deepEqual(nic.counters().receiveDrops, { Malformed: 1 })
    const next = await dialGuest(t, place.path('s'))
    next.write(framed(61))
    await until(() => told.frames.length === 2, 'a frame of the next guest')
    t.is(told.frames[1]?.length, 61)
    t.deepEqual(told.links, ['up', 'down', 'up'])
  })
}

test('openQemuNic: a guest that is cut off in the middle of a frame leaves nothing to the next one', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const nic = orFail(await openQemuNic({ address: { path: place.path('s') } }))
  const told = startTelling(t, nic)
  const guest = await dialGuest(t, place.path('s'))
  guest.end(Buffer.concat([framed(60), framed(1000).subarray(0, 300)]))
  await until(() => told.links.at(-1) === 'down', 'the link to go down')
  t.is(nic.send(new Uint8Array(60), 0, 60), SendCode.LinkDown)
  const next = await dialGuest(t, place.path('s'))
  next.write(framed(61))
  await until(() => told.frames.length === 2, 'a frame of the next guest')
  t.deepEqual(told.frames.map(({ length }) => length), [60, 61])
  t.is(told.failures.length, 1)
})

test('openQemuNic: a second guest waits until the first is gone', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const nic = orFail(await openQemuNic({ address: { path: place.path('s') } }))
  const told = startTelling(t, nic)
  const first = await dialGuest(t, place.path('s'))
  await until(() => nic.link() === 'up', 'the first guest')
  const second = await dialGuest(t, place.path('s'))
  second.write(framed(62))
  first.write(framed(61))
  await until(() => told.frames.length === 1, 'a frame')
  first.write(framed(61))
  await until(() => told.frames.length === 2, 'another')
  t.deepEqual(told.frames.map(({ length }) => length), [61, 61])
  first.end()
  await until(() => told.frames.length === 3, 'what the second guest sent')
  t.is(told.frames[2]?.length, 62)
  t.deepEqual(told.links, ['up', 'down', 'up'])
})

test('openQemuNic: a third guest takes the place of the one that waits', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const nic = orFail(await openQemuNic({ address: { path: place.path('s') } }))
  startTelling(t, nic)
  await dialGuest(t, place.path('s'))
  const second = await dialGuest(t, place.path('s'))
  await dialGuest(t, place.path('s'))
  second.resume()
  await once(second, 'close')
  t.is(nic.link(), 'up')
})

test('openQemuNic: a socket whose file is removed is made again, and the guest that is there notices nothing', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const nic = orFail(await openQemuNic({ address: { path: place.path('s') } }))
  const told = startTelling(t, nic)
  const guest = await dialGuest(t, place.path('s'))
  await until(() => nic.link() === 'up', 'the guest')
  unlinkSync(place.path('s'))
  await until(() => existsSync(place.path('s')), 'the socket to be made again')
  t.like(told.failures, { 0: { code: 'NotFound', operation: 'link', retryable: true }, length: 1 })
  guest.end(framed(60))
  await until(() => told.links.at(-1) === 'down', 'the guest to be gone')
  await dialGuest(t, place.path('s'))
  await until(() => nic.link() === 'up', 'a guest by the new socket')
  unlinkSync(place.path('s'))
  await until(() => existsSync(place.path('s')), 'the socket to be made once more')
  await nic.close()
  t.false(existsSync(place.path('s')))
})

test('openQemuNic: a directory that is removed and made again has the socket again', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  mkdirSync(place.path('d'))
  const nic = orFail(await openQemuNic({ address: { path: place.path('d/s') }, retryMs: 5 }))
  const told = startTelling(t, nic)
  rmSync(place.path('d'), { recursive: true })
  await until(() => told.failures.length > 1, 'listening to fail')
  mkdirSync(place.path('d'))
  await until(() => existsSync(place.path('d/s')), 'the socket to be made again')
  await dialGuest(t, place.path('d/s'))
  await until(() => nic.link() === 'up', 'the guest')
  t.is(told.failures.at(-1)?.code, 'NotFound')
})

test('openQemuNic: a name that another program has taken is told, and left to it', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const nic = orFail(await openQemuNic({ address: { path: place.path('s') } }))
  const told = startTelling(t, nic)
  writeFileSync(place.path('theirs'), 'letters')
  renameSync(place.path('theirs'), place.path('s'))
  await until(() => told.failures.length > 0, 'a failure')
  t.is(told.failures[0]?.code, 'Busy')
  await nic.close()
  t.true(existsSync(place.path('s')))
})

test('connectQemuNic: nobody there is told as what it is', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  t.like(await connectQemuNic({ address: { path: place.path('s') } }), { _tag: 'Left', left: { code: 'NotFound', retryable: true } })
  const nic = orFail(await openQemuNic({ address: { host: '127.0.0.1', port: 0 } }))
  await nic.close()
  t.like(await connectQemuNic({ address: nic.address }), { _tag: 'Left', left: { code: 'PeerGone', retryable: true } })
})

test('connectQemuNic: a NIC that waits for its peer closes at once', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const server = orFail(await openQemuNic({ address: { path: place.path('s') } }))
  const client = orFail(await connectQemuNic({ address: { path: place.path('s') }, retryMs: 3_600_000 }))
  const told = startTelling(t, client)
  await server.close()
  await until(() => told.links.at(-1) === 'down', 'the peer to be gone')
  await client.close()
  t.is(client.link(), 'down')
})

test('openQemuNic: frames of a write that failed are counted as lost, not as sent', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const nic = orFail(await openQemuNic({ address: { path: place.path('s') } }))
  const told = startTelling(t, nic)
  const guest = await dialGuest(t, place.path('s'))
  await until(() => nic.link() === 'up', 'the guest')
  // It is gone at once, and the NIC learns it by its own write.
  guest.destroy()
  for (let n = 0; n < 10; n++) t.is(nic.send(new Uint8Array(60), 0, 60), SendCode.Ok)
  nic.flush()
  await until(() => told.links.at(-1) === 'down', 'the link to go down')
  t.like(nic.counters(), { sent: 0, sentBytes: 0, sendDrops: { LinkDown: 10 } })
  t.like(told.failures, { 0: { code: 'PeerGone', operation: 'send' }, length: 1 })
})

test('openQemuNic: drained is told also where the queue was lost with the connection, before any of it was written', async (t) => {
  const place = makePlace()
  t.teardown(place.remove)
  const nic = orFail(await openQemuNic({ address: { path: place.path('s') } }))
  t.teardown(nic.close)
  const told: string[] = []
  const frame = new Uint8Array(1_500)
  orFail(nic.start({
    frames: () => {
      while (nic.send(frame, 0, frame.length) === SendCode.Ok);
    },
    link: (state) => told.push(state),
    drained: () => told.push('drained'),
  }))
  const guest = await dialGuest(t, place.path('s'))
  guest.write(Buffer.concat([framed(60), new Uint8Array(4)]))
  await until(() => told.includes('down'), 'the connection to be given up')
  t.deepEqual(told, ['up', 'down', 'drained'])
})
