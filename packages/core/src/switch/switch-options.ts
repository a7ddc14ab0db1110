/** What a switch and its ports are told, checked: the codecs by which `openSwitch`, `addPort` and `addLayer` read their options. */
import * as t from 'io-ts'
import { amount, choice, flag, integer, list, object, plain, strictlyPartial, text } from '../check/codecs.js'
import type { Clock } from '../clock.js'
import { isMtu, type MtuOptions } from '../datapath/mtu-options.js'
import { Ip, MacText, PortNumber, Vni } from '../policy/codecs.js'
import type { LayerType } from '../policy/layer.js'
import type { Place } from '../policy/port-policy.js'
import type { AnyResource } from '../policy/resource.js'
import { isIp } from '../policy/value-type.js'
import type { IpAddress, IpPrefix, Mac } from '../wire/address.js'
import type { Environment } from './environment.js'

/** Most entries of a table: what a `Map` holds. */
const MOST = 2 ** 24
const count = (what: string): t.Type<number> => integer(0, MOST, what)

/** What `is` takes, with its hooks where they are and the object itself, whose functions may need it. */
const withHooks = <A extends object>(what: string, required: readonly string[], optional: readonly string[]): t.Type<A> =>
  new t.Type<A>(
    what,
    (u): u is A => typeof u === 'object' && u !== null,
    (u, context) => {
      const whole = object<A>(what).validate(u, context)
      if (whole._tag === 'Left') return whole
      // An instance of a class has what else it likes; a plain object with a hook that is none is misspelt.
      const isPlain = Object.getPrototypeOf(u) === Object.prototype || Object.getPrototypeOf(u) === null
      const names = strictlyPartial({}, Object.fromEntries([...required, ...optional].map((name) => [name, t.unknown])))
      const misspelt = isPlain && required.length === 0 ? names.validate(u, context) : t.success(undefined)
      const hooks = [...required, ...optional].flatMap((name) => {
        const hook: unknown = Reflect.get(whole.right, name)
        if (hook === undefined && optional.includes(name)) return []
        return typeof hook === 'function' ? [] : [{ value: hook, context: t.appendContext(context, name, t.Function, hook), message: hook === undefined ? 'is missing: expected a function' : 'expected a function' }]
      })
      const errors = [...(misspelt._tag === 'Left' ? misspelt.left : []), ...hooks]
      return errors.length === 0 ? t.success(whole.right) : t.failures(errors)
    },
    (a) => a,
  )

const HOOKS = ['createPort', 'connectPort', 'disconnectPort', 'deletePort', 'disposeFailed', 'toVm', 'toNetwork', 'deliver', 'released', 'onMiss'] as const satisfies readonly (keyof Environment)[]

const Resource = withHooks<AnyResource>('a resource', ['lookup'], ['request', 'watch', 'formatKey', 'checkKey'])

/** Resources by name. */
const Resources: t.Type<Readonly<Record<string, AnyResource>>> = new t.Type<Readonly<Record<string, AnyResource>>>(
  'resources by name',
  (u): u is Readonly<Record<string, AnyResource>> => typeof u === 'object' && u !== null,
  (u, context) => {
    if (typeof u !== 'object' || u === null || Array.isArray(u)) return t.failure(u, context, 'expected an object: resources by the names that policies give them')
    const read: [string, AnyResource][] = []
    const errors = Object.entries(u).flatMap(([name, value]: [string, unknown]) => {
      const one = Resource.validate(value, t.appendContext(context, name, Resource, value))
      if (one._tag === 'Right') read.push([name, one.right])
      return one._tag === 'Left' ? one.left : []
    })
    return errors.length === 0 ? t.success(Object.fromEntries(read)) : t.failures(errors)
  },
  (a) => a,
)

const Mtu: t.Type<MtuOptions, unknown> = strictlyPartial({}, {
  network: plain('an MTU', (u): u is number => typeof u === 'number' && isMtu(u), 'expected an MTU: a whole number of bytes from 68 to 65535'),
  oversize: choice('tooBig', 'fragment', 'drop'), clampMss: flag,
  errors: strictlyPartial({ perSecond: amount(0, 1_000_000, 'errors a second'), burst: amount(0, 1_000_000, 'errors at once') }, {}),
})

const Depth = choice(1, 2, 3)

const isPrefix = (u: unknown): u is IpPrefix =>
  typeof u === 'object' && u !== null && 'address' in u && isIp(u.address) && 'length' in u && typeof u.length === 'number' && Number.isInteger(u.length) &&
  u.length >= 0 && u.length <= (u.address.version === 4 ? 32 : 128)

const End = strictlyPartial({}, {
  kind: choice('vxlan', 'nvgre', 'geneve', 'gre'), udpPort: PortNumber,
  ip: plain('an address or a prefix', (u): u is IpAddress | IpPrefix => isIp(u) || isPrefix(u), 'expected an address or a prefix, as parseIp and parsePrefix read them'),
})

/** What `openSwitch` takes: its `SwitchOptions`. */
export const SwitchOptionsCodec = strictlyPartial({}, {
  clock: withHooks<Clock>('a clock', ['nowUs'], []),
  environment: withHooks<Environment>('an environment', [], HOOKS),
  resources: Resources,
  maxFlows: count('a number of flows'),
  maxConnections: count('a number of connections'),
  flowIdleUs: amount(0, Infinity, 'microseconds'),
  maxFragments: count('a number of datagrams'),
  parseDepth: strictlyPartial({ outbound: Depth, inbound: Depth }, {}),
  tunnelEnds: list(End, 'a list of tunnel ends'),
  geneveOptions: list(integer(0, 0xff_ffff, 'a Geneve option: its class and type'), 'a list of Geneve options'),
  hashSeed: integer(-0x8000_0000, 0xffff_ffff, 'a seed'),
  pending: strictlyPartial({}, {
    framesPerKey: count('a number of packets'), frames: count('a number of packets'), bytes: integer(0, 2 ** 40, 'bytes'), timeoutUs: amount(0, Infinity, 'microseconds'),
    misses: count('a number of keys'), keys: count('a number of keys'),
  }),
  mtu: Mtu,
})

/** A port as it was asked for, read. */
export interface ReadPort {
  readonly name: string
  readonly mac: Mac
  readonly ip?: readonly IpAddress[]
  readonly vni?: number
  readonly mtu?: MtuOptions
}

const PortName = plain('a name', (u): u is string => typeof u === 'string' && u !== '' && u !== 'vm' && u !== 'network', 'a port needs a name, and not vm or network')

const NicMac: t.Type<Mac, string> = new t.Type<Mac, string>(
  'a MAC address',
  MacText.is,
  (u, context) => {
    const read = MacText.validate(u, context)
    return read._tag === 'Right' && read.right % 0x200_0000_0000 >= 0x100_0000_0000 ? t.failure(u, context, 'the MAC of a NIC is no group address') : read
  },
  MacText.encode,
)

/** What `addPort` takes. */
export const PortSpecCodec: t.Type<ReadPort, unknown> =
  strictlyPartial({ name: PortName, mac: NicMac }, { ip: list(Ip, 'a list of IP addresses'), vni: Vni, mtu: Mtu })

const Order = integer(-0x8000_0000, 0x7fff_ffff, 'an order')

/** What `addLayer` takes as the place of a layer. */
export const PlaceCodec: t.Type<Place & { readonly name?: string }, unknown> = new t.Type<Place & { readonly name?: string }, unknown>(
  'a place',
  (u): u is Place & { readonly name?: string } => typeof u === 'object' && u !== null,
  (u, context) => {
    const read = strictlyPartial({}, { name: text('a name'), order: Order, before: text('the name of a layer'), after: text('the name of a layer') }).validate(u, context)
    if (read._tag === 'Left') return read
    const { name, order, before, after } = read.right
    const places = [order === undefined ? undefined : { order }, before === undefined ? undefined : { before }, after === undefined ? undefined : { after }].filter((p) => p !== undefined)
    const [place, other] = places
    if (place === undefined || other !== undefined) return t.failure(u, context, 'expected one of order, before and after')
    return t.success({ ...place, ...(name === undefined ? {} : { name }) })
  },
  (a) => a,
)

/** What a group handle takes as the place of its group. */
export const GroupPlaceCodec: t.Type<{ readonly order: number }, unknown> = strictlyPartial({ order: Order }, {})

/** A layer type, whatever its configuration. */
export const LayerTypeCodec: t.Type<LayerType<string, unknown, unknown>, unknown> = plain('a layer type', (u): u is LayerType<string, unknown, unknown> =>
  typeof u === 'object' && u !== null && 'name' in u && typeof u.name === 'string' && 'codec' in u && typeof u.codec === 'object' && u.codec !== null
  && 'decode' in u.codec && typeof u.codec.decode === 'function' && 'groups' in u && typeof u.groups === 'function' && 'check' in u && typeof u.check === 'function')

