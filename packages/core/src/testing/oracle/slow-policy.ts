/**
 * What the slow oracle is programmed with: layers with groups of rules that it has started itself, so their state is its
 * own, and the connections of each layer in a plain list.
 */
import type { LayerType } from '../../policy/layer.js'
import type { Direction } from '../../flow/flow-id.js'
import type { Decision } from '../../policy/decision.js'
import type { PortIdentity } from '../../policy/flow-context.js'
import type { Group } from '../../policy/group.js'
import type { Rule, RunningRule } from '../../policy/rule.js'
import type { HeaderTransposition } from '../../transposition/header-transposition.js'
import type { Identity } from './identity.js'
import type { SlowFrame } from './slow-frame.js'

/** A started rule and the packets it has decided on. */
export interface SlowRule {
  readonly layer: string
  readonly group: string
  readonly id: string
  readonly rule: Rule
  readonly running: RunningRule
  /** Shared with the rule of the same id and type that it replaced. */
  readonly decided: { packets: number; bytes: number }
}

/** A group with started rules. */
export interface SlowGroup {
  readonly group: Group
  readonly rules: readonly SlowRule[]
}

/** A connection of one layer. */
export interface SlowPair {
  readonly direction: Direction
  /** The packet that made it, as the layer saw it. */
  readonly initial: SlowFrame
  readonly flowHash: number
  /** To whom it had been handed. */
  readonly handed: readonly string[]
  readonly identity: Identity
  /** Of the packets that come back. */
  readonly answer: Identity
  decision: Decision
  readonly reverse: HeaderTransposition
  rule: SlowRule
  idleUs: number
  lastUsedUs: number
  /** Version of the layer it was last checked against. */
  checked: number
}

/** One layer. */
export class SlowLayer {
  readonly name: string
  readonly order: number
  version = 0
  groups: readonly SlowGroup[] = []
  pairs: SlowPair[] = []

  constructor(name: string, order: number) {
    this.name = name
    this.order = order
  }

  /** Groups of a direction as they are walked. */
  inOrder(direction: Direction): readonly SlowGroup[] {
    return this.groups.filter((g) => g.group.direction === direction)
      .map((g, i) => ({ g, i }))
      .sort((a, b) => (a.g.group.order ?? 0) - (b.g.group.order ?? 0) || a.i - b.i)
      .map(({ g }) => g)
  }

  /** Replaces all groups; rules of the same place, id and type hand over what they have. */
  replace(groups: readonly Group[]): void {
    this.groups = groups.map((group) => {
      const old = this.groups.find((g) => g.group.name === group.name && g.group.direction === group.direction)
      const rules = group.rules.map((rule, i): SlowRule => {
        const id = rule.id ?? `${rule.type}-${i + 1}`
        const before = old?.rules.find((r) => r.id === id)
        return {
          layer: this.name, group: group.name, id, rule, running: rule.start(before?.running),
          decided: before?.rule.type === rule.type ? before.decided : { packets: 0, bytes: 0 },
        }
      })
      return { group, rules }
    })
    this.version++
  }

  /** Replaces the groups of one name, in their place and, unless they say otherwise, order; new ones go behind. */
  replaceGroup(name: string, groups: readonly Group[]): void {
    const now = this.groups.map((g) => g.group)
    const olds = now.filter((g) => g.name === name)
    const made = groups.map((g) => ({ ...g, order: g.order ?? (olds.find((o) => o.direction === g.direction) ?? olds[0])?.order ?? 0 }))
    const at = olds[0] === undefined ? now.length : now.indexOf(olds[0])
    const others = (list: readonly Group[]): readonly Group[] => list.filter((g) => g.name !== name)
    this.replace([...others(now.slice(0, at)), ...made, ...others(now.slice(at))])
  }
}

/** The layers of one port. */
export class SlowPolicy {
  /** From the VM to the network. */
  layers: SlowLayer[] = []
  readonly #port: PortIdentity

  constructor(port: PortIdentity) {
    this.#port = port
  }

  /** Adds a layer behind those of the same or a smaller order. */
  addLayer(name: string, order: number): void {
    this.layers = [...this.layers.filter((l) => l.order <= order), new SlowLayer(name, order), ...this.layers.filter((l) => l.order > order)]
  }

  removeLayer(name: string): void {
    this.layers = this.layers.filter((l) => l.name !== name)
  }

  /** The layer of a name. */
  layer(name: string): SlowLayer {
    const layer = this.layers.find((l) => l.name === name)
    if (layer === undefined) throw new Error(`the oracle has no layer ${name}`)
    return layer
  }

  /** The groups that a layer type makes of a configuration as JSON. */
  read<L extends string, C, O>(type: LayerType<L, C, O>, config: unknown): readonly Group[] {
    const read = type.codec.decode(config)
    if (read._tag === 'Left') throw new Error('the oracle is only given policies that the engine accepts')
    return type.groups(read.right, { port: this.#port, group: undefined, resource: () => undefined })
  }
}
