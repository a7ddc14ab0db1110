/** What a newcomer tries first: one line of a policy file changed, and what comes of it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { run } from '../../main-job/main.js'
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

for (const [what, file, from, to, says] of [
  ['a value out of range', 'security.json', '"dstPort": 5201', '"dstPort": 520100', /^main-job: BadPolicy: layer acl, problems \/inbound\/1\/allow\/dstPort: /],
  ['an unknown property', 'billing.json', '"prefixes"', '"prefixs"', /^main-job: BadPolicy: layer meter, problems /],
  ['no JSON', 'network.json', '{', '(', /^main-job: BadPolicyFile: file .*network\.json, reason /],
  ['a wrong envelope', 'balancing.json', '"choice"', '"chioce"', /^main-job: BadPolicyFile: file .*balancing\.json, reason \/chioce: /],
] as const) {
  test(`policy: ${what} is refused in one line, with exit code 1`, async (t) => {
    const { stdout, stderr, code } = await changed(file, from, to, (policy) => run(['--policy', policy]))
    t.is(code, 1)
    t.is(stdout, '')
    t.regex(stderr, says)
    t.is(stderr.split('\n').length, 2)
  })
}
