import test from 'ava'
import { PLAIN } from '../../main-job/page.js'
import { readOptions } from '../../main-job/options.js'
import { run } from '../../main-job/job.js'

test('options: without arguments it is the tenant under the tenant\'s policy', (t) => {
  t.like(readOptions([]), { _tag: 'Right', right: { flows: 12, json: false, offloadingHost: false, vms: { _tag: 'Initiators' } } })
  const read = readOptions([])
  t.true(read._tag === 'Right' && typeof read.right === 'object' && read.right.policy.endsWith('policy/tenant') && read.right.input.endsWith('tenant.pcapng'))
})

test('options: a stranger\'s capture gets the stranger\'s policy unless another is named', (t) => {
  const read = (...argv: string[]): string => {
    const options = readOptions(argv)
    return options._tag === 'Right' && typeof options.right === 'object' ? options.right.policy : ''
  }
  t.true(read('--in', 'x.pcap').endsWith('policy/stranger'))
  t.is(read('--in', 'x.pcap', '--policy', 'mine'), 'mine')
})

test('options: VMs are read as addresses, each once', (t) => {
  const read = readOptions(['--vm', '10.0.0.4,fd00:0::1, fd00::1'])
  t.true(read._tag === 'Right' && typeof read.right === 'object' && read.right.vms._tag === 'Listed' && read.right.vms.addresses.length === 2)
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

test('options: one that there is not is told by name, with the nearest that there is', async (t) => {
  for (const [argv, reason] of [
    ['--otu', 'there is no option --otu; did you mean --out?'], ['--Json', 'there is no option --Json; did you mean --json?'],
    ['--explian=3', 'there is no option --explian; did you mean --explain?'], ['--zebra', 'there is no option --zebra'], ['-x', 'there is no option -x'],
  ] as const) t.is((await run([argv])).stderr, `main-job: ${reason}; see --help\n`)
})

test('options: a value that is wrong is shown with its option', async (t) => {
  for (const argv of [['--flows', 'many'], ['--flows=-1'], ['--flows', '-1'], ['--explain', '1.5'], ['--vm', '10.0.0.256']]) {
    const { stderr, code } = await run(argv)
    t.is(code, 2)
    const [name = '', value = ''] = argv.join('=').split('=')
    t.true(stderr.includes(name) && stderr.includes(`"${value}"`), stderr)
  }
})

test('options: the version is the engine\'s', async (t) => {
  const { stdout, code } = await run(['--version'])
  t.is(code, 0)
  t.regex(stdout, /^vfp-ts main job, with @vfp-ts\/core \d+\.\d+\.\d+\n$/)
})

test('options: help fits 60 columns', async (t) => {
  const { stdout } = await run(['--help'], { out: { ...PLAIN, columns: 60 } })
  t.deepEqual(stdout.split('\n').filter((line) => line.length > 60), [])
  t.true(stdout.endsWith('.\n'))
})

test('options: help names every option', async (t) => {
  const { stdout, code } = await run(['--help'])
  t.is(code, 0)
  for (const option of ['--in', '--policy', '--vm', '--out', '--flows', '--explain', '--json', '--help', '--version']) t.true(stdout.includes(option))
})

test('options: --vm is refused where the policy names its VMs, with the reason', async (t) => {
  for (const vm of ['all', '10.0.0.4']) {
    const { stdout, stderr, code } = await run(['--vm', vm])
    t.is(code, 2)
    t.is(stdout, '')
    t.regex(stderr, /^main-job: --vm .*policy\/tenant names its VMs in vms\.json.*\n$/)
  }
})
