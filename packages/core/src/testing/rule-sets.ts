/**
 * Access lists of any size from a seed, with the traits of real ones that matter to classifiers: addresses cluster
 * under a tree of prefixes, most rules name both ends, some one, a few none; ports are single, well known, or ranges.
 */
import type { ClassifierRule } from '../classify/classifier.js'
import { between, type Condition, inPrefix, is } from '../policy/condition.js'
import { ipv4 } from '../wire/address.js'
import { type Flow, makeFlow } from './flow-arbitraries.js'
import { nearFlow } from './condition-arbitraries.js'

/** Returns `count` rules `r0`, `r1`, … in order of priority; equal seeds give equal rules. */
export const accessList = (seed: number, count: number): readonly ClassifierRule[] => {
  const random = randomFrom(seed)
  const nets = Array.from({ length: Math.max(4, Math.ceil(count / 50)) }, () => random(0x1_0000_0000))
  const address = (): readonly [number, number] => {
    const length = LENGTHS[random(LENGTHS.length)]!
    const base = nets[random(nets.length)]! + random(length > 24 ? 4096 : 2)
    return [base >>> 0, length]
  }
  return Array.from({ length: count }, (_, i) => ({ id: `r${i}`, priority: i, sequence: i, conditions: entry(random, address) }))
}

/** Returns `count` flows, of which most match a rule of the list; equal seeds give equal flows. */
export const flowsFor = (seed: number, rules: readonly ClassifierRule[], count: number): readonly Flow[] => {
  const random = randomFrom(seed)
  return Array.from({ length: count }, () => {
    const rule = rules[random(rules.length)]
    return rule === undefined ? makeFlow({ l3: 'ipv4', l4: 'tcp' }) : nearFlow(rule.conditions, Array.from({ length: 16 }, () => random(0x1_0000)))
  })
}

const LENGTHS = [32, 32, 32, 32, 30, 28, 28, 24, 24, 24, 16, 8, 0] as const
const PORTS = [22, 25, 53, 80, 123, 161, 443, 1433, 1521, 3306, 5432, 8080] as const

const entry = (random: (n: number) => number, address: () => readonly [number, number]): readonly Condition[] => {
  const conditions: Condition[] = []
  for (const field of ['srcIp', 'dstIp'] as const) {
    const [base, length] = address()
    if (length > 0) conditions.push(inPrefix(field, ipv4(base), length))
  }
  if (random(10) === 0) return conditions
  conditions.push(is('proto', random(3) === 0 ? 17 : 6))
  const kind = random(10)
  const port = PORTS[random(PORTS.length)]!
  if (kind < 6) conditions.push(is('dstPort', random(2) === 0 ? port : random(0x1_0000)))
  else if (kind < 8) conditions.push(between('dstPort', port, port + random(2000)))
  else if (kind < 9) conditions.push(between('dstPort', 1024, 65535))
  return conditions
}

/** Uniform integers below `n`, by mulberry32 (public domain). */
const randomFrom = (seed: number): ((n: number) => number) => {
  let state = seed | 0
  return (n) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * n)
  }
}
