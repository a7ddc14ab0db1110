/**
 * What one layer leaves to another: packets that `vnet` sends to a service, and their answers.
 *
 * Neither layer can see the other. So `vnet` hands such a packet over by name, and the engine drops it if nothing behind takes it; and
 * it lets in, from the addresses of services, only what was handed back, which no frame of the network is by itself.
 */
import { defineRuleType, proceed, refuse, type RuleType, strictly } from '@vfp-ts/core'
import * as t from 'io-ts'

/** The name under which packets to services are handed over, and taken. */
export const SERVICE = 'service'

/** Lets on what was handed to a name, as an answer that the layer in front brings back; drops what was not as `NotTunnelled`. */
export const handedBack: RuleType<'handed-back', { readonly to: string }, object, undefined> = defineRuleType({
  name: 'handed-back',
  config: strictly({ to: t.string }, 'a name'),
  decide: ({ to }, flow) => (flow.handed(to) ? proceed() : refuse('NotTunnelled')),
})
