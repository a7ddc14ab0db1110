/** The wire as others read it: tshark, with every checksum looked at. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testNeeding } from '@vfp-ts/needs'
import { reportOf, TENANT } from './tenant.js'

const test = testNeeding('tshark')

/** One row of fields for each packet that the display filter keeps. */
const rows = (file: string, fields: readonly string[], filter = ''): readonly (readonly string[])[] => {
  const checks = ['ip', 'tcp', 'udp'].flatMap((p) => ['-o', `${p}.check_checksum:TRUE`])
  const args = ['-n', '-r', file, ...checks, '-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE', '-Y', filter, '-T', 'fields', ...fields.flatMap((f) => ['-e', f])]
  const { stdout, status, stderr } = spawnSync('tshark', args, { encoding: 'utf8', maxBuffer: 2 ** 28, env: { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' } })
  if (status !== 0) throw new Error(stderr)
  return stdout === '' ? [] : stdout.trimEnd().split('\n').map((line) => line.split('\t'))
}

const BAD = '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad" || icmp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad"'

const written = async (args: readonly string[], name: string, check: (file: string, report: Awaited<ReturnType<typeof reportOf>>) => void): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-wire-'))
  try {
    const file = join(folder, name)
    check(file, await reportOf(...args, '--out', file))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

for (const name of ['wire.pcapng', 'wire.pcapng.gz']) {
  test.serial(`live: tshark finds nothing malformed and no bad checksum in ${name}, and VXLAN of the tenant's VNI alone`, async (t) => {
    t.deepEqual(rows(TENANT, ['frame.number'], BAD), [], 'the input has none')
    await written([], name, (file, report) => {
      t.deepEqual(rows(file, ['frame.number'], BAD), [])
      const all = rows(file, ['vxlan.vni', 'udp.dstport', 'frame.interface_name', 'ip.src'])
      t.is(report.wire?.frames, all.length)
      t.is(all.length, report.frames.delivered + report.drops.filter((d) => d.direction === 'inbound').reduce((n, d) => n + d.packets, 0))
      t.deepEqual([...new Set(all.map(([vni]) => vni))], ['5001'])
      t.true(all.every(([, ports]) => ports?.split(',')[0] === '4789'))
      // Each host's frames are on its own interface, with its own address outside.
      t.true(all.every(([, , port, sources]) => port?.startsWith(`${sources?.split(',')[0] ?? ''} (`) === true))
    })
  })
}

test.serial('live: tshark sees DSCP and ECN of the frame inside on the tunnel, too', async (t) => {
  await written([], 'wire.pcapng', (file) => {
    const marked = rows(file, ['ip.dsfield'], 'ip && ip.dsfield > 0').map(([fields]) => (fields ?? '').split(','))
    t.true(marked.length > 10)
    t.true(marked.every(([outer, inner]) => inner === undefined || outer === inner))
  })
})

test.serial('live: the wire has the times of the input', async (t) => {
  await written([], 'wire.pcapng', (file) => {
    const input = new Set(rows(TENANT, ['frame.time_epoch']).map(([time]) => time))
    t.true(rows(file, ['frame.time_epoch']).every(([time]) => input.has(time)))
  })
})
