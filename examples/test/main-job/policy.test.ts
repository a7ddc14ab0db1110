/** What a newcomer tries first: one line of a policy file changed, and what comes of it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { run } from '../../main-job/job.js'
import { reportOf, TENANT_POLICY } from './tenant.js'
import type { Report } from '../../main-job/report.js'

/** A run under the tenant's policy with one text of one file replaced by another. */
const changed = async <A>(file: string, from: string, to: string, then: (policy: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-policy-'))
  try {
    cpSync(TENANT_POLICY, folder, { recursive: true })
    const text = readFileSync(join(folder, file), 'utf8')
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
    writeFileSync(join(folder, file), text.replace(from, to))
    return await then(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Without some of its files. */
const without = async <A>(files: readonly string[], then: (policy: string) => Promise<A>): Promise<A> =>
  changed('network.json', '{', '{', async (policy) => {
    for (const file of files) rmSync(join(policy, file))
    return await then(policy)
  })

const under = (policy: string): Promise<Report> => reportOf('--in', join(TENANT_POLICY, '../../../captures/tenant.pcapng'), '--policy', policy)

const dropsAt = (report: Report, port: string): number => report.drops.filter((d) => d.port === port && d.reason === 'Denied').reduce((n, d) => n + d.packets, 0)

test('policy: the web server lets clients see its status page once one port is added to one line', async (t) => {
  const report = await changed('security.json', '"dstPort": [80, 8080, 8443]', '"dstPort": [80, 8080, 8081, 8443]', under)
  t.is(dropsAt(report, 'web-1'), 4, 'three to port 22, and one reply')
})

test('policy: the other server serves a client once its choice is changed', async (t) => {
  const report = await changed('balancing.json', '"10.0.9.80": { "client-2": "web-2", "otherwise": "web-1" }', '"10.0.9.80": { "otherwise": "web-1" }', under)
  const served = report.flows.busiest.filter((f) => f.port === 'web-2' && f.direction === 'inbound' && f.key.includes('> 10.0.9.80:80 '))
  t.is(served.length, 0)
})

test('policy: a tunnel takes the VNI of the network policy', async (t) => {
  const report = await changed('network.json', '5001', '77', under)
  t.true(report.flows.busiest.some((f) => f.transposition.includes('vni=77')))
  t.false(report.flows.busiest.some((f) => f.transposition.includes('vni=5001')))
})

for (const [what, file, from, to, path, reason] of [
  // What a layer says, with its place in the file.
  ['a value out of range', 'security.json', '"dstPort": 5201', '"dstPort": 520100', '/customer/1/inbound/1/allow/dstPort (for VM web-1)', /520100/],
  ['a value in a list of values', 'security.json', '[80, 8080, 8443]', '[80, 8080, "x"]', '/customer/1/inbound/0/allow/dstPort/2 (for VM web-1)', /"x" is not a value of dstPort/],
  ['a rule of the infrastructure', 'security.json', '"dstPort": 22', '"dstPorts": 22', '/infrastructure/inbound/0/deny/dstPorts', /./],
  ['an unknown property', 'billing.json', '"prefixes"', '"prefixs"', '/prefixs', /unknown property/],
  ['a service', 'balancing.json', '"proto": "tcp", "port": 53', '"proto": "tcp", "port": 530000', '/services/5/port (for VM dns)', /port/],
  ['a route', 'network.json', '"fd00:10::/32"', '"fd00:10::/320"', '/routes/1', /./],
  ['a group address as a MAC', 'vms.json', '00:15:5d:00:02:06', '01:15:5d:00:02:06', '/stranger/mac', /./],
  // What the file's own codec says.
  ['no JSON', 'network.json', '{', '(', '', /^no JSON: /],
  ['a wrong envelope', 'balancing.json', '"choice"', '"chioce"', '/chioce', /unknown property/],
  ['a list for nobody known', 'security.json', '"vms": ["dns"],', '', '/customer/2/vms', /^is missing: /],
  ['a list of the wrong type', 'security.json', '"vms": ["dns"]', '"vms": "dns"', '/customer/2/vms', /^expected .*, got "dns"$/],
  ['a property that is there twice', 'billing.json', '"name": "ipv6"', '"name": "ipv6", "name": "v6"', '/prefixes/5/name', /twice/],
  // Names of VMs.
  ['a VM that is not there, and its VM that no list names', 'security.json', '["dns"]', '["dsn"]', '/customer/2/vms/0', /^there is no VM "dsn"; vms\.json has client-1, .*dns$/],
  ['a VM with two lists', 'security.json', '["dns"]', '["dns", "web-1"]', '/customer/2/vms/1', /"web-1" has a list already: \/customer\/1/],
  ['a list for no VM', 'security.json', '["dns"]', '[]', '/customer/2/vms', /at least one/],
  ['a VM that no list names', 'security.json', '["client-1", "client-2", "stranger"]', '["client-1", "client-2"]', '/customer', /^no list names stranger, .*dropped$/],
  ['a server that is no VM', 'balancing.json', '"servers": ["dns"]', '"servers": ["dsn"]', '/services/4/servers/0', /^there is no VM "dsn"/],
  ['a service without a server', 'balancing.json', '"servers": ["dns"]', '"servers": []', '/services/4/servers', /at least one/],
  ['a client that is no VM', 'balancing.json', '"client-2"', '"client-3"', '/choice/10.0.9.80/client-3', /^there is no VM "client-3"/],
  ['a chosen server that is no VM', 'balancing.json', '"otherwise": "dns"', '"otherwise": "dsn"', '/choice/10.0.9.53/otherwise', /^there is no VM "dsn"/],
  ['a word for all others, misspelt', 'balancing.json', '"otherwise": "dns"', '"othrewise": "dns"', '/choice/10.0.9.53/othrewise', /^there is no VM "othrewise"/],
  ['a chosen server that does not serve', 'balancing.json', '"otherwise": "dns"', '"otherwise": "web-1"', '/choice/10.0.9.53/otherwise', /"web-1" does not serve 10\.0\.9\.53, but dns$/],
  ['a choice for no service', 'balancing.json', '"10.0.9.53": {', '"10.0.9.54": {', '/choice/10.0.9.54', /no service has the VIP/],
  // The inventory.
  ['two VMs of one name', 'vms.json', '"client-2"', '"client-1"', '/client-1', /twice/],
  ['two VMs of one MAC', 'vms.json', '00:15:5d:00:00:05', '00:15:5D:00:00:04', '/client-2/mac', /^MAC 00:15:5d:00:00:04 is taken by \/client-1\/mac$/],
  ['two VMs of one address', 'vms.json', '"fd00:10::5"', '"fd00:10:0::4"', '/client-2/ip/1', /^address fd00:10::4 is taken by \/client-1\/ip\/1$/],
  ['two hosts of one address', 'vms.json', '192.0.2.12', '192.0.2.1', '/web-1/underlay/1', /^host address 192\.0\.2\.1 is taken by \/client-1\/underlay\/0$/],
  ['a VM without a host', 'vms.json', '["192.0.2.31"]', '[]', '/dns/underlay', /at least one/],
  ['a VM whose name means all others', 'vms.json', '"stranger"', '"otherwise"', '/otherwise', /cannot be named/],
] as const) {
  test(`policy: ${what} is refused with its place in ${file}, with exit code 2`, async (t) => {
    const { stdout, stderr, code } = await changed(file, from, to, (policy) => run(['--policy', policy]))
    t.is(code, 2)
    t.is(stdout, '')
    const lines = stderr.trimEnd().split('\n')
    t.true(lines.every((line) => line.startsWith('main-job: BadPolicyFile: ')), stderr)
    const start = `${file}${path === '' ? '' : ` ${path}`}: `
    const said = lines.map((line) => line.indexOf(start)).findIndex((at) => at > 0)
    t.not(said, -1, stderr)
    t.regex(lines[said]?.slice(lines[said].indexOf(start) + start.length) ?? '', reason)
  })
}

test('policy: each mistake is a line of its own', async (t) => {
  const { stderr } = await changed('security.json', '["client-1", "client-2", "stranger"]', '["client-1", "cleint-2", "strangr"]', (policy) => run(['--policy', policy]))
  t.deepEqual(stderr.trimEnd().split('\n').map((line) => / (\/\S+): /.exec(line)?.[1]), ['/customer/0/vms/1', '/customer/0/vms/2', '/customer'])
})

test('policy: a file that is not there is said in words', async (t) => {
  const { stderr, code } = await without(['billing.json'], (policy) => run(['--policy', policy]))
  t.is(code, 2)
  t.regex(stderr, /^main-job: BadPolicyFile: .*billing\.json: no such file\n$/)
})

test('policy: without vms.json, names other than addresses are refused, and VMs that no list names are warned of', async (t) => {
  await without(['vms.json'], async (policy) => {
    const refused = await run(['--policy', policy])
    t.is(refused.code, 2)
    t.regex(refused.stderr, /security\.json \/customer\/0\/vms\/0: there is no VM "client-1": without vms\.json/)
    writeFileSync(join(policy, 'balancing.json'), '{ "services": [], "choice": {} }')
    writeFileSync(join(policy, 'security.json'), '{ "infrastructure": { "otherwise": "allow" }, "customer": [{ "vms": ["10.0.0.4", "10.9.9.9"], "otherwise": "allow" }] }')
    const warned = await run(['--policy', policy, '--json'])
    t.is(warned.code, 0)
    t.regex(warned.stderr, /^main-job: warning: .*security\.json \/customer: no list names .*10\.0\.0\.5.*dropped\n$/)
  })
})
