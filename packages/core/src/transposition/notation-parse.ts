/**
 * Reads the notation of transpositions; the grammar is in `notation.ts`.
 *
 * The text is cut at `;` into parts and these at spaces into words, which no value contains. Each word is read into a list of
 * parts that remembers where it stood, and `assemble` makes the transposition of them, so that a text can say nothing
 * that the constructors would refuse. What is wrong is told with the offset of the part or word in question.
 */
import { left, right, type Either } from 'fp-ts/lib/Either.js'
import { parseIp, parseMac } from '../wire/address.js'
import type { VlanTag } from '../wire/vlan.js'
import { assemble, type EditParts } from './assemble.js'
import { isChangeName, QUOTE_NAMES } from './change-fields.js'
import type { PushSpec } from './construct.js'
import type { Changes, EcnCombination, HeaderTransposition, Need, QuoteChanges, TunnelKind, VlanEdit } from './header-transposition.js'
import { identity, invalid } from './normal-form.js'
import { readDscp, readEcn, readField, readHex, readNumber, readTag, readTags, readTtl, valueOf } from './notation-values.js'

/** The error of `parseTransposition`: the text is not in the notation, or says what no constructor admits. */
export interface NotationError {
  readonly _tag: 'NotationError'
  /** The whole text, as given. */
  readonly input: string
  /** Offset in `input` of the first character of what is wrong. */
  readonly at: number
  /** What is wrong, as a sentence. */
  readonly reason: string
}

/**
 * Parses a transposition from the text that `formatTransposition` writes. The result is in normal form; a text `invalid: …` gives the
 * `Invalid` with that reason. Fails with the offset of what is wrong.
 *
 * ```ts
 * import { formatTransposition, orThrow, parseTransposition } from '@vfp-ts/core'
 *
 * const t = orThrow(parseTransposition('pop; 0: dstIp=10.0.0.5 dstPort=8080'))
 * console.log(formatTransposition(t))
 *
 * const wrong = parseTransposition('pop; 0: dstPort=80800')
 * if (wrong._tag === 'Left') console.log(`${wrong.left.at}: ${wrong.left.reason}`)
 * ```
 *
 * ```text output
 * pop; 0: dstIp=10.0.0.5 dstPort=8080
 * 5: dstPort is a number from 0 to 65535, not 80800
 * ```
 */
export const parseTransposition = (input: string): Either<NotationError, HeaderTransposition> => {
  const error = (at: number, reason: string): Either<NotationError, never> => left({ _tag: 'NotationError', input, at, reason })
  const text = input.trim()
  if (text === 'identity') return right(identity)
  if (text.startsWith(INVALID)) return right(invalid(input.slice(input.indexOf(INVALID) + INVALID.length)))

  const draft = new Draft()
  for (const part of wordsOf(input, 0, ';')) {
    const why = readPart(draft, part)
    if (why !== undefined) return error(why.at, why.reason)
  }
  const made = assemble(draft.parts())
  return made._tag === 'Right' ? made : error(draft.place(made.left.path), made.left.reason)
}

const INVALID = 'invalid: '

/** Text, and where it stands in the input. */
interface Word {
  readonly text: string
  readonly at: number
}

/** What is wrong, and where. */
interface Fault {
  readonly at: number
  readonly reason: string
}

/** The parts of a transposition as they are read. */
class Draft {
  readonly pop: Need[] = []
  readonly edit: EditParts[] = []
  readonly push: PushSpec[] = []
  readonly guard: EcnCombination[] = []
  quote: 'refused' | { readonly version?: 4 | 6; readonly set: QuoteChanges } | undefined
  /** Kind of the latest part, in the order in which kinds come. */
  stage = 0
  /** Offsets of parts by their path. */
  readonly #places = new Map<string, number>()

  note(path: string, at: number): void {
    this.#places.set(path, at)
  }

  place(path: readonly string[]): number {
    return this.#places.get(path.slice(0, 2).join('/')) ?? 0
  }

  parts() {
    return { pop: this.pop, edit: Array.from(this.edit, (e: EditParts | undefined) => e ?? {}), push: this.push, guard: this.guard, ...(this.quote !== undefined && { quote: this.quote }) }
  }
}

const STAGES = ['pop', 'an edit', 'quote', 'guard', 'push'] as const

const readPart = (draft: Draft, part: Word): Fault | undefined => {
  const [head, stage] = headOf(part.text)
  if (stage === undefined) return { at: part.at, reason: 'a part is pop, an edit as "0: dstPort=80", quote:, guard or push' }
  if (stage < draft.stage) return { at: part.at, reason: `${STAGES[stage]} stands in front of ${STAGES[draft.stage]}` }
  draft.stage = stage
  const rest: Word = { text: part.text.slice(head.length), at: part.at + head.length }
  switch (stage) {
    case 0: return readPop(draft, rest)
    case 1: return readEdit(draft, Number.parseInt(head, 10), part.at, rest)
    case 2: return readQuote(draft, part.at, rest)
    case 3: return readGuard(draft, rest)
    default: return readPush(draft, part.at, rest)
  }
}

const headOf = (text: string): readonly [string, number?] => {
  for (const [stage, pattern] of HEADS.entries()) {
    const head = pattern.exec(text)?.[0]
    if (head !== undefined) return [head, stage]
  }
  return ['']
}

const HEADS = [/^pop(?=\[|$)/, /^\d{1,4}:(?=\s|$)/, /^quote:(?=\s|$)/, /^guard(?=\s)/, /^push(?=\s)/] as const

const readPop = (draft: Draft, rest: Word): Fault | undefined => {
  const [need, words] = needFirst(rest)
  if ('reason' in need) return need
  const [more] = words
  if (more !== undefined) return { at: more.at, reason: 'nothing stands behind a pop' }
  draft.note(`pop/${draft.pop.length}`, rest.at)
  draft.pop.push(need.value)
  return undefined
}

const readEdit = (draft: Draft, group: number, at: number, rest: Word): Fault | undefined => {
  if (group < draft.edit.length) return { at, reason: 'edits stand in ascending order, one for each group' }
  if (group > 255) return { at, reason: `a group is counted from 0 to 255, not ${group}` }
  const [need, words] = needFirst(rest)
  if ('reason' in need) return need
  draft.note(`edit/${group}`, at)
  let vlans: VlanEdit | undefined
  let translate: EditParts['translate']
  const fields: Word[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word.text === 'vlans' && vlans === undefined && translate === undefined && fields.length === 0) {
      const edit = readVlans(words.slice(i + 1))
      if ('reason' in edit) return edit
      vlans = edit.value
      i += edit.words
    } else if (word.text === 'translate' && translate === undefined && fields.length === 0) {
      const how = /^([46])>([46])$/.exec(words[++i]?.text ?? '')
      if (how === null) return { at: words[i]?.at ?? word.at, reason: 'a translation is from and to an IP version, as 4>6' }
      translate = { from: how[1] === '4' ? 4 : 6, to: how[2] === '4' ? 4 : 6 }
    } else fields.push(word)
  }
  const set = readFields(fields)
  if ('reason' in set) return set
  draft.edit[group] = { need: need.value, set: set.value, ...(vlans !== undefined && { vlans }), ...(translate !== undefined && { translate }) }
  return undefined
}

const readVlans = (words: readonly Word[]): { readonly value: VlanEdit; readonly words: number } | Fault => {
  const first = words[0]?.text
  const pop = first === '-all' ? 'all' as const : first === '-1' ? 1 as const : first === '-2' ? 2 as const : 0 as const
  const push: VlanTag[] = []
  let read = pop === 0 ? 0 : 1
  for (; words[read]?.text.startsWith('+') === true; read++) {
    const { text, at } = words[read]!
    const tag = readTag(text.slice(1))
    if (typeof tag === 'string') return { at, reason: tag }
    push.push(tag)
  }
  return { value: { pop, push }, words: read }
}

const readQuote = (draft: Draft, at: number, rest: Word): Fault | undefined => {
  if (draft.quote !== undefined) return { at, reason: 'the quote is written once' }
  draft.note('quote', at)
  if (rest.text.trim() === 'refused') {
    draft.quote = 'refused'
    return undefined
  }
  const [need, words] = needFirst(rest)
  if ('reason' in need) return need
  const set = readFields(words, QUOTE_NAMES)
  if ('reason' in set) return set
  const { l3 } = need.value
  draft.quote = { set: set.value, ...(l3 === 'ipv4' && { version: 4 }), ...(l3 === 'ipv6' && { version: 6 }) }
  return undefined
}

const readGuard = (draft: Draft, rest: Word): Fault | undefined => {
  const [word, more] = wordsOf(rest.text, rest.at, ' ')
  const value = readEcn(word?.text ?? '')
  if (typeof value !== 'object' || !('outer' in value)) return { at: word?.at ?? rest.at, reason: 'a guard is a combination, as combine(0,1)' }
  if (more !== undefined) return { at: more.at, reason: 'nothing stands behind a guard' }
  draft.note(`guard/${draft.guard.length}`, rest.at)
  draft.guard.push(value)
  return undefined
}

const readPush = (draft: Draft, at: number, rest: Word): Fault | undefined => {
  const [, before = '', kind = '', inside] = /^(\s*(vxlan|nvgre|geneve|gre)\()(.*)\)\s*$/s.exec(rest.text) ?? []
  if (inside === undefined) return { at: rest.at, reason: 'a push is of a kind, vxlan, nvgre, geneve or gre, as vxlan(vni=1 192.0.2.1>192.0.2.2 …)' }
  const found = new Map<string, Word>()
  for (const word of wordsOf(inside, rest.at + before.length, ' ')) {
    const name = /^\w+(?==)/.exec(word.text)?.[0] ?? (PUSH_MACS.test(word.text) ? 'macs' : word.text.includes('>') ? 'ips' : '')
    if (!PUSH_WORDS.includes(name)) return { at: word.at, reason: `a push says ${PUSH_WORDS.slice(2).join(', ')}, two addresses and two MACs` }
    if (found.has(name)) return { at: word.at, reason: `${name} is written once` }
    found.set(name, word)
  }
  const staying = draft.pop.length
  const read = <A>(name: string, reader: (text: string) => A | undefined, reason: string): A | Fault | undefined => {
    const word = found.get(name)
    if (word === undefined) return undefined
    return reader(word.text.slice(word.text.indexOf('=') + 1)) ?? { at: word.at, reason }
  }
  const ips = read('ips', (text) => bothOf(text, (one) => valueOf(parseIp(one))), 'two IP addresses stand here, as 192.0.2.1>192.0.2.2')
  const macs = read('macs', (text) => bothOf(text, (one) => valueOf(parseMac(one))), 'two MAC addresses stand here')
  const tags = read('vlans', (text) => readTags(text), 'tags are written as 8100:100:3,8100:200:0')
  const vni = read('vni', readNumber, 'a VNI is a number')
  const srcPort = read('sport', readNumber, 'a port is a number')
  const dstPort = read('dport', readNumber, 'a port is a number')
  const dscp = read('dscp', (text) => readDscp(text, staying), 'a DSCP is a number, copy or copy(0)')
  const ecn = read('ecn', (text) => readEcn(text, staying), 'an ECN field is a number, copy, copy(0) or combine(0,1)')
  const ttl = read('ttl', readTtl, 'a TTL is a number or as ttl(0)-1')
  const options = read('options', readHex, 'options are pairs of hexadecimal digits')
  for (const value of [ips, macs, tags, vni, srcPort, dstPort, dscp, ecn, ttl, options]) if (typeof value === 'object' && 'reason' in value) return value
  if (!isRead(ips) || !isRead(macs)) return { at, reason: 'a push names two IP addresses and two MAC addresses' }
  draft.note(`push/${draft.push.length}`, at)
  draft.push.push({
    tunnel: kind as TunnelKind, srcIp: ips[0], dstIp: ips[1], srcMac: macs[0], dstMac: macs[1],
    vni: isRead(vni) ? vni : 0, srcPort: isRead(srcPort) ? srcPort : 0,
    ...(isRead(dstPort) && { dstPort }), ...(isRead(tags) && { vlans: tags }), ...(isRead(dscp) && { dscp }), ...(isRead(ecn) && { ecn }), ...(isRead(ttl) && { ttl }), ...(isRead(options) && { options }),
  })
  return undefined
}

const PUSH_WORDS: readonly string[] = ['ips', 'macs', 'vni', 'vlans', 'sport', 'dport', 'dscp', 'ecn', 'ttl', 'options']
const PUSH_MACS = /^[0-9a-f]{2}[:-][0-9a-f]{2}[:-][^>]*>[0-9a-f]{2}[:-][0-9a-f]{2}[:-]/i

const isRead = <A>(value: A | Fault | undefined): value is A => value !== undefined && !(typeof value === 'object' && value !== null && 'reason' in value)

/** A need in brackets at the front, if there is one, and the words behind it. */
const needFirst = ({ text, at }: Word): readonly [{ readonly value: Need } | Fault, readonly Word[]] => {
  const [, before = '', inside] = /^(\s*\[)([^\]]*)\]/.exec(text) ?? []
  if (inside === undefined) return [{ value: {} }, wordsOf(text, at, ' ')]
  let need: Need = {}
  for (const word of wordsOf(inside, at + before.length, ' ')) {
    const one = NEEDS.get(word.text) ?? hopsOf(word.text)
    if (one === undefined) return [{ at: word.at, reason: `a need is one of ${[...NEEDS.keys()].join(' ')} hops:n` }, []]
    if (Object.keys(one).some((name) => Object.hasOwn(need, name))) return [{ at: word.at, reason: 'a need of this kind was named before' }, []]
    need = { ...need, ...one }
  }
  const length = before.length + inside.length + 1
  return [{ value: need }, wordsOf(text.slice(length), at + length, ' ')]
}

const hopsOf = (text: string): Need | undefined => {
  const hops = /^hops:(\d{1,3})$/.exec(text)?.[1]
  return hops === undefined ? undefined : { hops: Number(hops) }
}

const NEEDS: ReadonlyMap<string, Need> = new Map<string, Need>([
  ['ipv4', { l3: 'ipv4' }], ['ipv6', { l3: 'ipv6' }], ['ip', { l3: 'ip' }], ['arp', { l3: 'arp' }],
  ['ports', { l4: 'ports' }], ['tcp', { l4: 'tcp' }], ['echo', { l4: 'echo' }], ['tunnel', { tunnel: true }], ['vni', { tunnel: 'vni' }], ['leaf', { leaf: true }],
  ['udp:vxlan', { udp: 'vxlan' }], ['udp:geneve', { udp: 'geneve' }], ['udp:plain', { udp: 'plain' }], ['udp:none', { udp: 'none' }],
  ['tags:1', { tags: 1 }], ['tags:2', { tags: 2 }],
])

const readFields = (words: readonly Word[], names?: readonly string[]): { readonly value: Changes } | Fault => {
  const set: Record<string, unknown> = {}
  for (const { text, at } of words) {
    const eq = text.indexOf('=')
    const name = text.slice(0, eq)
    if (eq < 0 || !isChangeName(name) || names?.includes(name) === false) return { at, reason: eq < 0 ? `"${text}" is no field=value` : `there is no field ${name} to set here` }
    if (Object.hasOwn(set, name)) return { at, reason: `${name} is set once` }
    const value = readField(name, text.slice(eq + 1))
    if (value === undefined) return { at, reason: `"${text.slice(eq + 1)}" is no value of ${name}` }
    set[name] = value
  }
  // Each value was read by the reader of its field's kind.
  return { value: set }
}

const bothOf = <A>(text: string, read: (one: string) => A | undefined): readonly [A, A] | undefined => {
  const [one = '', other = '', more] = text.split('>')
  const a = read(one)
  const b = read(other)
  return a === undefined || b === undefined || more !== undefined ? undefined : [a, b]
}

/** What stands between separators, without the spaces around it; of words, those that are not empty. */
const wordsOf = (text: string, at: number, separator: ';' | ' '): readonly Word[] => {
  const words: Word[] = []
  let from = 0
  for (const piece of text.split(separator === ';' ? ';' : /\s/)) {
    const word = piece.trim()
    if (word !== '' || separator === ';') words.push({ text: word, at: at + from + (piece.length - piece.trimStart().length) })
    from += piece.length + 1
  }
  return words
}
