/** The report as a person reads it: a few tables, each with what one has to know to read it. */
import { FATE_WORDS } from './explained.js'
import type { Page } from './page.js'
import type { PathTimes } from './path-times.js'
import { FATES } from './replay.js'
import type { DropLine, FlowLine, MeterLine, Named, Report } from './report.js'
import type { RuleLine } from './rule-lines.js'
import { count, counted, hanging, percent, type Row, rounded, table, wrapped } from './table.js'

/** Rows of any one table but the flows'; what is more is counted, not shown. The JSON form has all. */
const MOST_ROWS = 40

/** The whole report. */
export const renderReport = (r: Report, page: Page): string => linesOf(r, page).map((line) => hanging(line, page.columns)).join('\n')

const linesOf = (r: Report, page: Page): readonly string[] => {
  const section = (title: string, about: string, lines: readonly string[]): readonly string[] =>
    lines.length === 0 ? [] : ['', ...hanging(`== ${title}: ${about}`, page.columns).replace(`== ${title}`, (heading) => page.colors.bold(heading)).split('\n'), ...lines]
  return [
    ...header(r, page),
    ...section('Frames', 'where each one ended', frames(r, page)),
    ...section('Layers and rules', 'from the VM to the wire; hits of all ports; replies hit the rule that began the connection', rules(r, page)),
    ...section('Unified flows', `${flowTotals(r)}; the busiest:`, flows(r.flows.busiest, page)),
    ...section('Drops', 'by reason and place; try --explain with a frame\'s number', drops(r.drops, page)),
    ...section('Not understood', 'by name; such a frame was decided by what is understood of it', named('what', r.strange, page)),
    ...section('Seen by no port', 'by reason', named('why', r.unseen, page)),
    ...section('Tunnels', `VXLAN on the wire, by the host address they went to${several(r) ? '; flows to a host with two are spread over both (ECMP)' : ''}`, table(
      [{ head: 'to' }, { head: 'host of' }, { head: 'frames', right: true }, { head: 'bytes', right: true }],
      r.tunnels.slice(0, MOST_ROWS).map((l) => [l.to, l.host, count(l.frames), count(l.bytes)]), page)),
    ...section('Fast and slow path', 'nanoseconds a packet in each port it passes, warm-up included, to two digits', paths(r, page)),
    ...section('Meters', 'what each VM sent to and received from each prefix, in bytes as the VM sees them', meters(r.meters, page)),
    ...(r.wire === null ? [] : ['', `Wire: ${counted(r.wire.frames, 'frame')}, ${counted(r.wire.bytes, 'byte')} written to ${r.wire.file}`]),
    '',
  ]
}

const header = (r: Report, page: Page): readonly string[] => [
  'vfp-ts: a capture goes through virtual switch ports',
  '',
  ...wrapped('Every VM that speaks in the capture sits behind a port of its own host. Four controllers that know nothing of each '
    + 'other have put one layer each on every port: meter, acl, load-balancer, vnet. A frame goes outbound through its '
    + 'sender\'s port, over the wire between the hosts, and inbound through its receiver\'s port.', page.columns).split('\n'),
  '',
  `capture  ${r.capture.file}: ${counted(r.capture.frames, 'frame')} in ${r.capture.seconds.toFixed(1)} s`,
  `policy   ${r.policy}`,
  `VMs      ${r.vms.length}${r.vmsLeftOut === 0 ? '' : `, and ${count(r.vmsLeftOut)} left out because they are too many`}`,
  ...table(
    [{ head: 'name', width: 40, hang: true }, { head: 'MAC' }, { head: 'addresses', width: 'rest', hang: true }, { head: 'host', width: 40, hang: true }],
    r.vms.filter((_, i) => i < MOST_VMS).map((vm) => [vm.name, vm.mac, vm.ips.join(' '), vm.underlay.join(' ')]), { ...page, columns: page.columns - 2 },
  ).map((line) => `  ${line}`),
  ...(r.vms.length > MOST_VMS ? [`  … and ${r.vms.length - MOST_VMS} more`] : []),
]

const MOST_VMS = 12

const frames = (r: Report, page: Page): readonly string[] =>
  table([{ head: 'frames', right: true }, { head: 'fate' }], [
    ...FATES.filter((fate) => r.frames[fate] > 0).map((fate) => [count(r.frames[fate]), FATE_WORDS[fate]]),
    [count(r.capture.frames), 'all'],
  ], page).concat(r.hint === null ? [] : hanging(`Hint: ${r.hint}.`, page.columns).split('\n').map((line) => page.colors.yellow(line)))

const named = (head: string, lines: readonly Named[], page: Page): readonly string[] =>
  table([{ head }, { head: 'frames', right: true }], lines.map(({ what, frames: n }) => [what, count(n)]), page)

const several = (r: Report): boolean => r.vms.some((vm) => vm.underlay.length > 1)

const rules = ({ rules: lines, vms }: Report, page: Page): readonly string[] => {
  // With more rules than fit, those that nothing hit are the first to go.
  const fitting = lines.length <= MOST_ROWS ? lines : lines.filter((l) => l.packets > 0)
  const shown = fitting.slice(0, MOST_ROWS)
  const place = (l: RuleLine | undefined): string => (l === undefined ? '' : `${l.layer} ${l.direction}, group ${l.group}`)
  return [
    ...table(
      [{ head: '  rule', width: 36, hang: true }, { head: 'does' }, { head: 'when', width: 'rest', hang: true }, { head: 'ports' }, { head: 'hits', right: true }],
      shown.flatMap((l, i): readonly Row[] => {
        const row = [`  ${l.rule}`, `${l.type}${l.stateful ? ', stateful' : ''}`, whenOf(l), portsOf(l, vms.length), count(l.packets)]
        return place(l) === place(shown[i - 1]) ? [row] : [place(l), row]
      }),
      page,
    ),
    ...more(lines.length - shown.length, 'rule', fitting.length < lines.length ? ', most without a hit' : ''),
    'Of a layer\'s groups, the last that matches decides and has the hit, unless a rule before it blocks the packet.',
  ]
}

const whenOf = ({ when: [first = '', ...others] }: RuleLine): string =>
  `${first === '' ? 'always' : first}${others.length === 0 ? '' : ` (and ${others.length} more, by port)`}`

const portsOf = ({ ports }: RuleLine, all: number): string => {
  const names = ports.join(' ')
  return ports.length === all && all > 1 ? `all ${all}` : names.length <= MOST_OF_NAMES || all === 1 ? names : `${ports.length} of ${all}`
}

/** Characters of ports' names; where there are more, ports are counted. */
const MOST_OF_NAMES = 26

const flowTotals = (r: Report): string => {
  const connections = Object.entries(r.flows.connections).filter(([, n]) => n > 0).map(([layer, n]) => `${count(n)} in ${layer}`)
  const idle = r.flows.expired === 0 ? '' : `, ${count(r.flows.expired)} forgotten when idle`
  return `${count(r.flows.held)} held${idle}${connections.length === 0 ? '' : `; connections: ${connections.join(', ')}`}`
}

const flows = (lines: readonly FlowLine[], page: Page): readonly string[] => {
  const done = lines.map((l) => (l.verdict === 'continue' ? l.transposition : l.verdict))
  return [
    ...table(
      [{ head: 'port', width: 40 }, { head: 'packets', right: true }, { head: 'bytes', right: true }, { head: 'key, and what is done', width: 'rest', hang: true }],
      lines.map((l, i) => [
        l.port, count(l.packets), count(l.bytes), `${l.direction} ${l.key}\n  ${done[i] ?? ''}${l.paired ? '' : ` ${NO_REVERSE}`}`,
      ]),
      page,
    ),
    ...LEGEND.filter(([sign]) => done.some((text) => sign.test(text))).map(([, meaning]) => meaning),
    ...(lines.some((l) => !l.paired) ? [`${NO_REVERSE}: this port has not seen a packet of the other direction`] : []),
  ]
}

const NO_REVERSE = '(no reverse flow yet)'

/** What the notation of transpositions means, for as much of it as is used. */
const LEGEND: readonly (readonly [RegExp, string])[] = [
  [/\bpop\b/, 'pop: the outermost headers, which are the tunnel, are taken off'],
  [/\b0: /, '0: what changes in the outermost headers that stay (1: in those inside them)'],
  [/\bpush /, 'push: a tunnel is put around, with these addresses, MACs and source port'],
  [/=copy\b/, 'copy: the value is that of the frame inside'],
]

const drops = (lines: readonly DropLine[], page: Page): readonly string[] => [
  ...table(
    [{ head: 'reason' }, { head: 'at', width: 49 }, { head: 'frames', right: true }, { head: 'first', right: true }, { head: 'the first was dropped by', width: 'rest' }],
    lines.slice(0, MOST_ROWS).map((l) => [l.reason, `${l.port} ${l.direction}`, count(l.packets), String(l.firstFrame), l.by]),
    page,
  ),
  ...more(lines.length - MOST_ROWS, 'place'),
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

const paths = (r: Report, page: Page): readonly string[] => {
  const { fast, slow, reconciled, fastShare } = r.paths
  const line = (name: string, t: PathTimes, share: number | null): readonly string[] =>
    [name, count(t.packets), percent(share), rounded(t.medianNs), rounded(t.meanNs), rounded(t.p99Ns)]
  const skewed = [fast, slow].some(({ meanNs, medianNs }) => meanNs !== null && medianNs !== null && meanNs > medianNs)
  return [
    ...table(
      [{ head: 'path' }, ...['packets', 'share', 'median ns', 'mean ns', '99 % below'].map((head) => ({ head, right: true }))],
      [line('fast: one lookup', fast, fastShare), line('slow: a walk of the layers', slow, fastShare === null ? null : 1 - fastShare)],
      page,
    ),
    ...(skewed ? ['The mean exceeds the median because a few packets wait for garbage collection, or for code being compiled.'] : []),
    ...(reconciled === 0 ? [] : [`${count(reconciled)} of the walks found a cached flow right again`]),
  ]
}

const meters = (lines: readonly MeterLine[], page: Page): readonly string[] => [
  ...table(
    [{ head: 'VM', width: 40 }, { head: 'prefix', width: 'rest' }, ...['packets out', 'bytes out', 'packets in', 'bytes in'].map((head) => ({ head, right: true }))],
    lines.slice(0, MOST_ROWS).map((l) => [l.vm, l.prefix, count(l.sentPackets), count(l.sentBytes), count(l.receivedPackets), count(l.receivedBytes)]),
    page,
  ),
  ...more(lines.length - MOST_ROWS, 'line'),
  ...(lines.length === 0 ? [] : [
    'These can be fewer than the hits of the meters\' rules above: a packet that a later layer drops, as by denying it, was a hit, but only what passes is counted.',
  ]),
]

const more = (n: number, what: string, which = ''): readonly string[] => (n > 0 ? [`… and ${count(n)} more ${n === 1 ? what : `${what}s`}${which}`] : [])
