/**
 * A rule type that decides by its own state: a rule lets some packets through, and then none until it is filled up.
 *
 * The state changes by the packets that pass, in an action context, and from outside, by {@link Quotas.refill}: so a port that
 * decides once for a flow and one that decides for every packet agree only if decisions end with the state they rest on.
 */
import { integer, strictlyPartial } from '../check/codecs.js'
import { proceed, refuse } from '../policy/decision.js'
import { makeCell, type OwnCell } from '../policy/resource.js'
import { defineRuleType, type RuleType } from '../policy/rule.js'
import type { ActionContext } from '../policy/action-context.js'

interface QuotaConfig {
  /** Packets that pass before it is filled up. */
  readonly packets: number
}

interface Quota {
  left: number
  readonly cell: OwnCell
  readonly context: ActionContext
}

/** All started rules of one `quota` type. */
export interface Quotas {
  readonly type: RuleType<'quota', QuotaConfig, QuotaConfig, Quota>
  /** Fills every rule up. */
  readonly refill: () => void
}

/** A `quota` rule type, with all rules that are started of it. */
export const quotas = (): Quotas => {
  const started = new Map<Quota, number>()
  const type = defineRuleType({
    name: 'quota',
    config: strictlyPartial({ packets: integer(1, 100) }, {}),
    init: ({ packets }: QuotaConfig): Quota => {
      const quota: Quota = {
        left: packets,
        cell: makeCell(),
        context: {
          label: 'take from the quota',
          onPacket: () => {
            quota.left--
            if (quota.left === 0) quota.cell.changed()
          },
        },
      }
      started.set(quota, packets)
      return quota
    },
    dispose: (quota: Quota) => { started.delete(quota) },
    report: ({ left }: Quota) => left,
    decide: (_config, flow, { left, cell, context }: Quota) => {
      flow.dependsOn(cell)
      return left > 0 ? proceed(undefined, { contexts: [context] }) : refuse('QuotaSpent')
    },
  })
  return {
    type,
    refill: () => {
      for (const [quota, packets] of started) {
        quota.left = packets
        quota.cell.changed()
      }
    },
  }
}
