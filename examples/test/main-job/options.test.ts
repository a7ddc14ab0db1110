import test from 'ava'
import { readOptions } from '../../main-job/options.js'
import { run } from '../../main-job/main.js'

test('options: without arguments it is the tenant under the tenant\'s policy', (t) => {
  t.like(readOptions([]), { _tag: 'Right', right: { flows: 12, json: false, vms: { _tag: 'Initiators' } } })
  const read = readOptions([])
  t.true(read._tag === 'Right' && read.right !== 'help' && read.right.policy.endsWith('policy/tenant') && read.right.input.endsWith('tenant.pcapng'))
})

test('options: a stranger\'s capture gets the stranger\'s policy unless another is named', (t) => {
  const read = (...argv: string[]): string => {
    const options = readOptions(argv)
    return options._tag === 'Right' && options.right !== 'help' ? options.right.policy : ''
  }
  t.true(read('--in', 'x.pcap').endsWith('policy/stranger'))
  t.is(read('--in', 'x.pcap', '--policy', 'mine'), 'mine')
})

test('options: VMs are read as addresses, each once', (t) => {
  const read = readOptions(['--vm', '10.0.0.4,fd00:0::1, fd00::1'])
  t.true(read._tag === 'Right' && read.right !== 'help' && read.right.vms._tag === 'Listed' && read.right.vms.addresses.length === 2)
  t.like(readOptions(['--vm', 'all']), { right: { vms: { _tag: 'All' } } })
})

for (const argv of [['--bogus'], ['extra'], ['--explain', '0'], ['--explain', 'x'], ['--flows', '-1'], ['--flows'], ['--vm', '10.0.0'], ['--vm', ''], ['--in', ''], ['--explain', '2005'],
  ['--json', '--json'], ['--flows', '1', '--flows', '1'], ['--in', 'a', '--in', 'b'], ['--explain', '1', '--out', 'x.pcapng']]) {
  test(`options: ${argv.join(' ')} is a usage error`, async (t) => {
    const { stdout, stderr, code } = await run(argv)
    t.is(code, 2)
    t.is(stdout, '')
    t.regex(stderr, /^main-job: .+\n$/)
  })
}

test('options: help names every option', async (t) => {
  const { stdout, code } = await run(['--help'])
  t.is(code, 0)
  for (const option of ['--in', '--policy', '--vm', '--out', '--flows', '--explain', '--json', '--help']) t.true(stdout.includes(option))
})

test('options: --vm is refused where the policy names its VMs, with the reason', async (t) => {
  for (const vm of ['all', '10.0.0.4']) {
    const { stdout, stderr, code } = await run(['--vm', vm])
    t.is(code, 2)
    t.is(stdout, '')
    t.regex(stderr, /^main-job: --vm .*policy\/tenant names its VMs in vms\.json.*\n$/)
  }
})
