/** The report as a person reads it: a few tables of at most 116 columns. */
import Table from 'cli-table3'
import { FATE_WORDS } from './explained.js'
import type { PathTimes } from './path-times.js'
import { FATES } from './replay.js'
import type { DropLine, FlowLine, MeterLine, Report, RuleLine } from './report.js'

/** Rows of any one table but the flows'; what is more is counted, not shown. The JSON form has all. */
const MOST_ROWS = 40

/** The whole report. */
export const renderReport = (r: Report): string => [
  ...header(r),
  ...section('Frames', 'where each one ended', frames(r)),
  ...section('Layers and rules', 'from the VM to the wire; hits of all ports, replies counted for the rule that began the connection', rules(r.rules)),
  ...section('Unified flows', `${flowTotals(r)}; the busiest:`, flows(r.flows.busiest)),
  ...section('Drops', 'by reason and place; try --explain with a frame\'s number', drops(r.drops)),
  ...section('Not understood', 'by name; what is understood of such a frame is forwarded', table(
    [{ head: 'what' }, { head: 'frames', right: true }], r.strange.map(({ what, frames: n }) => [what, count(n)]))),
  ...section('Tunnels', 'VXLAN on the wire, by the host address they went to; flows to a host with two are spread over both (ECMP)', table(
    [{ head: 'to' }, { head: 'host of' }, { head: 'frames', right: true }, { head: 'bytes', right: true }],
    r.tunnels.slice(0, MOST_ROWS).map((l) => [l.to, l.host, count(l.frames), count(l.bytes)]))),
  ...section('Fast and slow path', 'nanoseconds a packet, measured around each passage through a port, warm-up included', paths(r)),
  ...section('Meters', 'what each VM sent to and received from each prefix, in bytes as the VM sees them', meters(r.meters)),
  ...(r.wire === null ? [] : ['', `Wire: ${count(r.wire.frames)} frames, ${count(r.wire.bytes)} bytes written to ${r.wire.file}`]),
  '',
].join('\n')

const header = (r: Report): readonly string[] => [
  'vfp-ts: a capture goes through virtual switch ports',
  '',
  'Every VM that speaks in the capture sits behind a port of its own host. Four controllers that know nothing of each',
  'other have put one layer each on every port: meter, acl, load-balancer, vnet. A frame goes outbound through its',
  'sender\'s port, over the wire between the hosts, and inbound through its receiver\'s port.',
  '',
  `capture  ${r.capture.file}: ${count(r.capture.frames)} frames in ${r.capture.seconds.toFixed(1)} s`,
  `policy   ${r.policy}`,
  `VMs      ${r.vms.length}${r.vmsLeftOut === 0 ? '' : `, and ${count(r.vmsLeftOut)} left out because they are too many`}`,
  ...table(
    [{ head: 'name', width: 40 }, { head: 'MAC' }, { head: 'addresses' }, { head: 'host' }],
    r.vms.filter((_, i) => i < MOST_VMS).map((vm) => [vm.name, vm.mac, vm.ips.join(' '), vm.underlay.join(' ')]),
  ).map((line) => `  ${line}`),
  ...(r.vms.length > MOST_VMS ? [`  … and ${r.vms.length - MOST_VMS} more`] : []),
]

const MOST_VMS = 12

const frames = (r: Report): readonly string[] =>
  table([{ head: 'frames', right: true }, { head: 'fate' }], [
    ...FATES.filter((fate) => r.frames[fate] > 0).map((fate) => [count(r.frames[fate]), FATE_WORDS[fate]]),
    [count(r.capture.frames), 'all'],
  ])

const rules = (lines: readonly RuleLine[]): readonly string[] => {
  // With more rules than fit, those that nothing hit are the first to go.
  const shown = lines.length <= MOST_ROWS ? lines : lines.filter((l) => l.packets > 0)
  return [
    ...table(
      [{ head: 'layer' }, { head: 'direction' }, { head: 'group / rule', width: 36 }, { head: 'does' }, { head: 'when', width: 'rest' }, { head: 'hits', right: true }],
      shown.slice(0, MOST_ROWS).map((l) => [
        l.layer, l.direction, `${l.group} / ${l.rule}`, `${l.type}${l.stateful ? ', stateful' : ''}`, whenOf(l), count(l.packets),
      ]),
    ),
    ...more(lines.length - Math.min(shown.length, MOST_ROWS), shown.length < lines.length ? 'more, most without a hit' : 'more'),
  ]
}

const whenOf = ({ when: [first = '', ...others] }: RuleLine): string =>
  `${first === '' ? 'always' : first}${others.length === 0 ? '' : ` (differs on ${others.length} more ports)`}`

const flowTotals = (r: Report): string => {
  const connections = Object.entries(r.flows.connections).filter(([, n]) => n > 0).map(([layer, n]) => `${count(n)} in ${layer}`)
  const idle = r.flows.expired === 0 ? '' : `, ${count(r.flows.expired)} forgotten when idle`
  return `${count(r.flows.held)} held${idle}${connections.length === 0 ? '' : `; connections: ${connections.join(', ')}`}`
}

const flows = (lines: readonly FlowLine[]): readonly string[] =>
  table(
    [{ head: 'port', width: 40 }, { head: 'packets', right: true }, { head: 'bytes', right: true }, { head: 'key, and what is done', width: 'rest' }],
    lines.flatMap((l) => [[
      l.port, count(l.packets), count(l.bytes),
      `${l.direction} ${l.key}\n  ${l.verdict === 'continue' ? l.transposition : l.verdict}${l.paired ? '' : ' (no reverse flow yet)'}`,
    ]]),
  )

const drops = (lines: readonly DropLine[]): readonly string[] => [
  ...table(
    [{ head: 'reason' }, { head: 'at', width: 49 }, { head: 'frames', right: true }, { head: 'first', right: true }, { head: 'the first was dropped by', width: 'rest' }],
    lines.slice(0, MOST_ROWS).map((l) => [l.reason, `${l.port} ${l.direction}`, count(l.packets), String(l.firstFrame), l.by]),
  ),
  ...more(lines.length - MOST_ROWS, 'more places'),
  ...[...new Set(lines.map((l) => l.reason))].flatMap((reason) => (MEANING[reason] === undefined ? [] : [`${reason}: ${MEANING[reason]}`])),
]

/** Drop reasons in words, those of the layers used here and the commonest of the engine. */
const MEANING: Readonly<Record<string, string>> = {
  Denied: 'the acl layer allows it in no rule, or forbids it in one; replies to what was denied are denied too.',
  NotIp: 'the virtual network carries IP: ARP is for the host to answer.',
  NoRoute: 'no route of the virtual network holds the destination: link-local and multicast traffic, mostly.',
  RouteDrop: 'a route says so.',
  NoMapping: 'the directory does not know where the destination lives.',
  NotTunnelled: 'a plain frame came from where only tunnels may come.',
  WrongTenant: 'a tunnel came that is not of this virtual network; with --vm all, tunnels of the VMs themselves are carried.',
  FragmentWithoutFirst: 'a later fragment whose first one was not seen.',
}

const paths = (r: Report): readonly string[] => {
  const { fast, slow, reconciled, fastShare } = r.paths
  const line = (name: string, t: PathTimes, share: number): readonly string[] =>
    [name, count(t.packets), `${(100 * share).toFixed(1)} %`, count(t.medianNs), count(t.meanNs), count(t.p99Ns)]
  return [
    ...table(
      [{ head: 'path' }, ...['packets', 'share', 'median ns', 'mean ns', '99 % below'].map((head) => ({ head, right: true }))],
      [line('fast: one lookup', fast, fastShare), line('slow: a walk of the layers', slow, 1 - fastShare)],
    ),
    ...(reconciled === 0 ? [] : [`${count(reconciled)} of the walks found a cached flow right again`]),
  ]
}

const meters = (lines: readonly MeterLine[]): readonly string[] => [
  ...table(
    [{ head: 'VM', width: 40 }, { head: 'prefix', width: 'rest' }, ...['packets out', 'bytes out', 'packets in', 'bytes in'].map((head) => ({ head, right: true }))],
    lines.slice(0, MOST_ROWS).map((l) => [l.vm, l.prefix, count(l.sentPackets), count(l.sentBytes), count(l.receivedPackets), count(l.receivedBytes)]),
  ),
  ...more(lines.length - MOST_ROWS, 'more'),
]

const section = (title: string, about: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : ['', `== ${title}: ${about}`, ...lines]

const more = (n: number, what: string): readonly string[] => (n > 0 ? [`… and ${count(n)} ${what}`] : [])

const count = (n: number): string => n.toLocaleString('en-US')

/** One column; cells longer than `width` are wrapped. `'rest'`, for one column at most, is what the others leave. */
interface Column {
  readonly head: string
  readonly right?: boolean
  readonly width?: number | 'rest'
}

/** Columns of the page, and between two columns of a table. */
const COLUMNS = 116
const GAP = 2

const NO_LINES = {
  'top': '', 'top-mid': '', 'top-left': '', 'top-right': '', 'bottom': '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  'left': '', 'left-mid': '', 'mid': '', 'mid-mid': '', 'right': '', 'right-mid': '', 'middle': '  ',
}

const table = (columns: readonly Column[], rows: readonly (readonly string[])[]): readonly string[] => {
  if (rows.length === 0) return []
  const longest = (i: number): number =>
    Math.max(...[columns[i]?.head ?? '', ...rows.flatMap((row) => (row[i] ?? '').split('\n'))].map((cell) => cell.length))
  const taken = columns.reduce((sum, c, i) => (c.width === 'rest' ? sum : sum + Math.min(longest(i), c.width ?? COLUMNS) + GAP), 0)
  const rest = COLUMNS - taken
  const drawn = new Table({
    head: columns.map((c) => c.head),
    colAligns: columns.map((c) => (c.right === true ? 'right' : 'left')),
    colWidths: columns.map((c, i) => Math.min(longest(i), c.width === 'rest' ? rest : c.width ?? COLUMNS)),
    wordWrap: true,
    chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': 0, 'head': [], 'border': [], 'compact': true },
  })
  for (const row of rows) drawn.push([...row])
  return drawn.toString().split('\n').map((line) => line.trimEnd())
}
