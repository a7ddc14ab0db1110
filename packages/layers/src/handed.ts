/**
 * Packets that one layer hands to another: those that `vnet` sends to a service, and their answers.
 *
 * Neither layer can see the other. So `vnet` hands such a packet over by a name, and the engine drops it if no layer behind takes it. From the
 * addresses of services `vnet` lets in only packets that were handed back, which no frame of the network is by itself.
 */
import { defineRuleType, proceed, refuse, type RuleType, strictly } from '@vfp-ts/core'
import * as t from 'io-ts'

/** The name under which packets to services are handed over, and taken. */
export const SERVICE = 'service'

/** Rule type that passes a packet that was handed to the name `to`, as an answer that the layer in front brings back. Drops others as `NotTunnelled`. */
export const handedBack: RuleType<'handed-back', { readonly to: string }, object, undefined> = defineRuleType({
  name: 'handed-back',
  config: strictly({ to: t.string }, 'a name'),
  decide: ({ to }, flow) => (flow.handed(to) ? proceed() : refuse('NotTunnelled')),
})
