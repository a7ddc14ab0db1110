/** Tunnel headers with plausible values, the parts of `frameArbitrary`. */
import fc from 'fast-check'
import { EtherType } from '../wire/ethernet.js'
import type { Geneve, GeneveOption } from '../wire/geneve.js'
import type { Gre } from '../wire/gre.js'
import type { Nvgre } from '../wire/nvgre.js'
import type { TunnelHeader } from '../wire/tunnel.js'
import type { Vxlan } from '../wire/vxlan.js'
import type { CompleteConstraints } from './frame-constraints.js'
import { zeroMostly } from './header-arbitraries.js'

/** A tunnel header of one of the chosen kinds, that `emitFrame` accepts between two groups. It shrinks to the first kind. */
export const tunnelArbitrary = (c: CompleteConstraints): fc.Arbitrary<TunnelHeader> =>
  fc.constantFrom(...c.tunnels).chain((kind): fc.Arbitrary<TunnelHeader> => {
    switch (kind) {
      case 'vxlan':
        return vxlanArbitrary(c)
      case 'nvgre':
        return nvgreArbitrary(c)
      case 'geneve':
        return geneveArbitrary(c)
      case 'gre':
        return greArbitrary
    }
  })

/** In every other header all that is reserved is 0, as it should be. */
const reservedBits = (max: number): fc.Arbitrary<number> => fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: zeroMostly(max) })

const vxlanArbitrary = (c: CompleteConstraints): fc.Arbitrary<Vxlan> =>
  fc
    .record({
      vni: fc.constantFrom(...c.vnis), first: reservedBits(0xffffffff), reservedLow: reservedBits(255),
      group: fc.option(fc.record({ id: fc.nat(0xffff), dontLearn: fc.boolean(), applied: fc.boolean() }), { nil: undefined, freq: 2 }),
    })
    .map(({ vni, first, reservedLow, group }): Vxlan => {
      // without the I flag, and without G; where there is a group, also without what belongs to it
      const reserved = (first & (group === undefined ? 0x77ffffff : 0x77b70000)) >>> 0
      return { kind: 'vxlan', vni, reserved, reservedLow, ...(group === undefined ? {} : { groupPolicy: group }) }
    })

const nvgreArbitrary = (c: CompleteConstraints): fc.Arbitrary<Nvgre> =>
  fc.record({ kind: fc.constant('nvgre' as const), vni: fc.constantFrom(...c.vnis), flowId: fc.nat(255), reserved: reservedBits(0x7f) })

const greArbitrary: fc.Arbitrary<Gre> = reservedBits(0x7f).map((reserved) => ({ kind: 'gre', protocolType: EtherType.TransparentBridging, reserved }))

/** With at most three options, none of them critical: the parser would refuse those. */
const geneveArbitrary = (c: CompleteConstraints): fc.Arbitrary<Geneve> => {
  const option: fc.Arbitrary<GeneveOption> = fc.record({
    class: fc.constantFrom(0x0102, 0x0103, 0xffff), type: fc.nat(0x7f), reserved: reservedBits(7),
    data: fc.constantFrom(0, 4, 8, 124).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  })
  return fc
    .record({
      vni: fc.constantFrom(...c.vnis), reserved: reservedBits(0x3f), reservedLow: reservedBits(255),
      options: fc.array(option, { maxLength: c.options ? 3 : 0 }), forgetful: fc.nat(7),
    })
    .map(({ vni, reserved, reservedLow, options, forgetful }): Geneve => ({
      kind: 'geneve', vni, protocolType: EtherType.TransparentBridging, control: false, reserved, reservedLow,
      options: options.reduce<readonly GeneveOption[]>((all, next) => (sizeOf([...all, next]) > 252 ? all : [...all, next]), []),
      ...(forgetful === 7 ? { critical: true } : {}),
    }))
}

const sizeOf = (options: readonly GeneveOption[]): number => options.reduce((sum, option) => sum + 4 + option.data.length, 0)
