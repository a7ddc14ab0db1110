/** Two namespaces and one host, as the guide has it: docs/guides/host-switch.md. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { testNeeding } from '@vfp-ts/needs'
import type { ExecutionContext } from 'ava'
import { until } from '../../live/namespaces.js'
import { folderOf, ready } from './program.js'

const test = testNeeding('network namespaces', 'packet sockets', 'koffi', 'ip', 'ping')

const id = `vfp-${process.pid}`
const ip = (...args: readonly string[]): void => { execFileSync('ip', args, { stdio: 'pipe' }) }

/** A namespace that goes with the test. */
const namespace = (t: ExecutionContext, name: string): string => {
  const full = `${id}-${name}`
  ip('netns', 'add', full)
  t.teardown(() => { spawnSync('ip', ['netns', 'del', full]) })
  ip('-n', full, 'link', 'set', 'lo', 'up')
  return full
}

const ping = (from: string, to: string): number | null => spawnSync('ip', ['netns', 'exec', from, 'ping', '-n', '-c', '3', '-i', '0.05', '-W', '2', to]).status

const links = (where: string): string => execFileSync('ip', ['-n', where, '-o', 'link'], { encoding: 'utf8' })

/** A veth pair from the host to a VM's namespace, with the VM's address. */
const connect = (host: string, vm: string, n: string): void => {
  ip('-n', host, 'link', 'add', `vm${n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'address', `02:00:0a:00:00:0${n}`, 'netns', vm)
  ip('-n', host, 'link', 'set', `vm${n}`, 'up')
  ip('-n', vm, 'addr', 'add', `10.0.0.${n}/24`, 'dev', 'eth0')
  ip('-n', vm, 'link', 'set', 'eth0', 'up')
}

/** Ports for VMs of these numbers. */
const configOf = (folder: string, numbers: readonly string[], otherwise = 'allow'): object => ({
  name: 'host', status: join(folder, 'status.sock'),
  ports: Object.fromEntries(numbers.map((n) => [`vm${n}`, {
    mac: `02:00:0a:00:00:0${n}`, ip: [`10.0.0.${n}`], vni: 5001, nic: { afPacket: { interface: `vm${n}` } },
    layers: [{ layer: 'guard' }, { layer: 'acl', policy: { otherwise } }],
  }])),
})

test.serial('live: two namespaces behind veth pairs ping each other, and not when the firewall says so', async (t) => {
  const host = namespace(t, 'host')
  const [one, two] = [namespace(t, 'vm1'), namespace(t, 'vm2')]
  connect(host, one, '1')
  connect(host, two, '2')
  const folder = folderOf(t)
  const config = (otherwise: string): object => configOf(folder, ['1', '2'], otherwise)
  const program = await ready(t, folder, config('allow'), host)
  t.is(ping(one, '10.0.0.2'), 0, program.errors())
  t.is(ping(two, '10.0.0.1'), 0)
  program.write(config('deny'))
  program.signal('SIGHUP')
  await until('the firewall', async () => (await program.status()).configurations.taken === 2, program.errors)
  t.not(ping(one, '10.0.0.2'), 0)
  t.true(((await program.status()).ports[0]?.counters.drops['Denied'] ?? 0) >= 3)
  program.signal('SIGTERM')
  t.is(await program.ended, 0)
  t.true(links(host).includes('vm1'), 'an interface that was there before stays')
})

test.serial('live: a VM whose interface is deleted harms nobody, and comes back when the file is read again', async (t) => {
  const host = namespace(t, 'lost')
  const vms = ['1', '2', '3'].map((n) => {
    const vm = namespace(t, `lost${n}`)
    connect(host, vm, n)
    return vm
  })
  const [one = '', two = '', three = ''] = vms
  const folder = folderOf(t)
  const program = await ready(t, folder, configOf(folder, ['1', '2', '3']), host)
  t.is(ping(one, '10.0.0.3'), 0, program.errors())
  ip('-n', host, 'link', 'del', 'vm3')
  await until('the failure', () => /vm3: .*Gone/.test(program.errors()), program.errors)
  t.is(ping(one, '10.0.0.2'), 0, 'the others go on')
  program.signal('SIGHUP')
  await until('the refusal', () => /host\.json \/ports\/vm3\/nic\/afPacket: .*NotFound/.test(program.errors()), program.errors)
  t.is(ping(two, '10.0.0.1'), 0)
  connect(host, three, '3')
  program.signal('SIGHUP')
  await until('the new interface', () => program.errors().includes('vm3: its NIC opened again'), program.errors)
  t.is(ping(one, '10.0.0.3'), 0, program.errors())
  program.signal('SIGTERM')
  t.is(await program.ended, 0)
})

testNeeding('network namespaces', 'packet sockets', 'TAP devices', 'koffi', 'ip', 'ping').serial('live: a TAP device is made for a port, serves another namespace, and is gone at the end', async (t) => {
  const host = namespace(t, 'taphost')
  const vm = namespace(t, 'tapvm')
  const other = namespace(t, 'tapother')
  ip('-n', host, 'link', 'add', 'veth', 'type', 'veth', 'peer', 'name', 'eth0', 'address', '02:00:0a:00:00:02', 'netns', other)
  ip('-n', host, 'link', 'set', 'veth', 'up')
  ip('-n', other, 'addr', 'add', '10.0.0.2/24', 'dev', 'eth0')
  ip('-n', other, 'link', 'set', 'eth0', 'up')
  const folder = folderOf(t)
  const program = await ready(t, folder, {
    name: 'host', status: join(folder, 'status.sock'),
    ports: {
      tap: { mac: '02:00:0a:00:00:01', ip: ['10.0.0.1'], nic: { tap: { interface: 'vfptap0', mac: '02:00:0a:00:00:01' } } },
      veth: { mac: '02:00:0a:00:00:02', ip: ['10.0.0.2'], nic: { afPacket: { interface: 'veth' } } },
    },
  }, host)
  ip('-n', host, 'link', 'set', 'vfptap0', 'netns', vm)
  ip('-n', vm, 'addr', 'add', '10.0.0.1/24', 'dev', 'vfptap0')
  ip('-n', vm, 'link', 'set', 'vfptap0', 'up')
  t.is(ping(vm, '10.0.0.2'), 0, program.errors())
  program.signal('SIGTERM')
  t.is(await program.ended, 0)
  t.false(links(vm).includes('vfptap0'))
})
