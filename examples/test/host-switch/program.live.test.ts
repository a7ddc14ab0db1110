/** The program: start, status, reading again, end; with sockets alone, so without privileges. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { buildFrame, orThrow } from '@vfp-ts/core'
import type { Nic, Receiver } from '@vfp-ts/adapters/nic'
import { connectQemuNic } from '@vfp-ts/adapters/qemu'
import { until } from '../../live/namespaces.js'
import { folderOf, type Program, ready, start } from './program.js'

/** Addresses on loopback that no other test listens at. */
const loopback = (last: 1 | 2 | 3): string => `127.${64 + ((process.pid >>> 13) & 63)}.${(process.pid >>> 6) & 127}.${(process.pid & 63) * 4 + last}`

const config = (folder: string, ports: readonly string[], policy: unknown = { otherwise: 'allow' }): object => ({
  name: 'host-a',
  status: join(folder, 'status.sock'),
  ports: Object.fromEntries(ports.map((name, i) => [name, {
    mac: `02:00:0a:00:00:0${i + 1}`, vni: 5001, nic: { qemu: { path: join(folder, `${name}.sock`) } }, layers: [{ layer: 'acl', policy }],
  }])),
})

const refusals = async (program: Program): Promise<number> => (await program.status()).configurations.refused

test('live: the program starts, tells its status, and ends with 0 and nothing left on SIGTERM', async (t) => {
  const folder = folderOf(t)
  const program = await ready(t, folder, config(folder, ['a', 'b']))
  const status = await program.status()
  t.is(status.name, 'host-a')
  t.deepEqual(status.ports.map(({ name, vni, layers }) => [name, vni, layers]), [['a', 5001, ['acl']], ['b', 5001, ['acl']]])
  t.true(existsSync(join(folder, 'a.sock')))
  program.signal('SIGTERM')
  t.is(await program.ended, 0)
  for (const name of ['a', 'b', 'status']) t.false(existsSync(join(folder, `${name}.sock`)), `${name}.sock is gone`)
  t.is(program.errors(), '')
})

test('live: on SIGHUP a good configuration comes into force', async (t) => {
  const folder = folderOf(t)
  const program = await ready(t, folder, config(folder, ['a', 'b']))
  program.write(config(folder, ['a', 'c']))
  program.signal('SIGHUP')
  await until('the new configuration', async () => (await program.status()).configurations.taken === 2, program.errors)
  t.deepEqual((await program.status()).ports.map(({ name }) => name), ['a', 'c'])
  t.true(existsSync(join(folder, 'c.sock')))
  t.false(existsSync(join(folder, 'b.sock')))
  t.regex(program.errors(), /configuration read again: b removed; c added/)
  program.signal('SIGINT')
  t.is(await program.ended, 0)
})

test('live: on SIGHUP a bad configuration is refused with its place, and everything stays', async (t) => {
  const folder = folderOf(t)
  const program = await ready(t, folder, config(folder, ['a', 'b']))
  const bad: readonly (readonly [unknown, RegExp])[] = [
    ['{"name": ', /host\.json: no JSON/],
    [config(folder, ['a', 'c'], { otherwise: 'maybe' }), /host\.json \/ports\/a\/layers\/0\/policy\/otherwise: /],
    [{ ...config(folder, ['a', 'c']), name: 'host-b' }, /host\.json \/name: changes with a new start only/],
    // A NIC that cannot be opened, in a folder that is not there.
    [config(join(folder, 'nowhere'), ['a', 'c']), /host\.json \/(status|ports\/a\/nic\/qemu): /],
  ]
  for (const [i, [json, expected]] of bad.entries()) {
    program.write(json)
    program.signal('SIGHUP')
    await until('the refusal', async () => (await refusals(program)) === i + 1, program.errors)
    await until('its reason', () => expected.test(program.errors()), program.errors)
  }
  t.deepEqual((await program.status()).ports.map(({ name }) => name), ['a', 'b'])
  t.false(existsSync(join(folder, 'c.sock')), 'the NIC of a refused port is not there')
  program.write(config(folder, ['a']))
  program.signal('SIGHUP')
  await until('the next good one', async () => (await program.status()).configurations.taken === 2, program.errors)
  program.signal('SIGTERM')
  t.is(await program.ended, 0)
})

test('live: a configuration that is wrong ends the program with 2, and a machine that refuses with 1', async (t) => {
  const folder = folderOf(t)
  const wrong = start(t, folder, { name: 'h', ports: { a: { mac: 'x', nic: {} } } })
  t.is(await wrong.ended, 2)
  t.regex(wrong.errors(), /host\.json \/ports\/a\/mac: /)
  const refused = start(t, folder, { name: 'h', ports: { a: { mac: '02:00:0a:00:00:01', nic: { qemu: { path: join(folder, 'nowhere', 'a.sock') } } } } })
  t.is(await refused.ended, 1)
  t.regex(refused.errors(), /host\.json \/ports\/a\/nic\/qemu: /)
})

test('live: a host whose underlay is a socket starts and ends without privileges', async (t) => {
  const folder = folderOf(t)
  const program = await ready(t, folder, { ...config(folder, ['a']), underlay: { udp: ['vxlan'], addresses: [`${loopback(3)}/8`] } })
  t.truthy((await program.status()).uplink)
  program.signal('SIGTERM')
  t.is(await program.ended, 0)
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

test('live: two hosts without privileges carry a frame from one guest to the other, by VXLAN in sockets', async (t) => {
  const [one, two] = [folderOf(t), folderOf(t)]
  const macs = ['02:00:0a:00:00:01', '02:00:0a:00:00:02'] as const
  const mappings = ([1, 2] as const).map((n) => ({ vni: 5001, ip: `10.0.0.${n}`, at: [{ pa: loopback(n), mac: macs[n - 1] }] }))
  const hostOf = (n: 1 | 2, folder: string): object => ({
    name: `host-${n}`, status: join(folder, 'status.sock'), mappings,
    underlay: { udp: ['vxlan'], addresses: [`${loopback(n)}/8`] },
    ports: {
      guest: {
        mac: macs[n - 1], ip: [`10.0.0.${n}`], vni: 5001, nic: { qemu: { path: join(folder, 'vm.sock') } },
        layers: [{ layer: 'guard' }, { layer: 'vnet', policy: { routes: ['10.0.0.0/24'] } }],
      },
    },
  })
  const [a, b] = await Promise.all([ready(t, one, hostOf(1, one)), ready(t, two, hostOf(2, two))])
  const guest = async (folder: string, frames: Receiver['frames']): Promise<Nic> => {
    const nic = orThrow(await connectQemuNic({ address: { path: join(folder, 'vm.sock') } }))
    t.teardown(() => nic.close())
    orThrow(nic.start({ frames }))
    return nic
  }
  const got: string[] = []
  const sender = await guest(one, () => undefined)
  await guest(two, ({ bytes, start, length, count }) => {
    for (let i = 0; i < count; i++) got.push(hex(bytes.subarray(start[i] ?? 0, (start[i] ?? 0) + (length[i] ?? 0))))
  })
  await until('the guests', () => sender.link() === 'up', a.errors)
  const frame = orThrow(buildFrame({ proto: 'udp', srcIp: '10.0.0.1', dstIp: '10.0.0.2', srcMac: macs[0], dstMac: macs[1], srcPort: 1000, dstPort: 53 }))
  sender.send(frame, 0, frame.length)
  sender.flush()
  await until('the frame', () => got.length > 0, b.errors)
  t.deepEqual(got, [hex(frame)])
  for (const program of [a, b]) program.signal('SIGTERM')
  t.deepEqual(await Promise.all([a.ended, b.ended]), [0, 0])
})
