/** A configuration that is fine, to be damaged. */

/** Anything that JSON can say, to be changed in place. */
export type Json = Record<string, unknown>

/** Two ports and an underlay. */
export const aConfig = (): Json => ({
  name: 'host-a',
  status: '/tmp/host-a.sock',
  underlay: { interface: 'under0', addresses: ['192.0.2.1/24', '2001:db8::1/64'], routes: [{ prefix: '0.0.0.0/0', via: '192.0.2.254' }] },
  mappings: [{ vni: 5001, ip: '10.0.0.5', at: [{ pa: '192.0.2.2', mac: '02:00:0a:00:00:05' }] }],
  ports: {
    'red-1': {
      mac: '02:00:0a:00:00:04', ip: ['10.0.0.4', 'fd00:10::4'], vni: 5001, nic: { afPacket: { interface: 'red-1' } },
      layers: [
        { layer: 'guard' },
        { layer: 'acl', policy: { outbound: [{ allow: {}, stateful: true }], otherwise: 'deny' } },
        { layer: 'vnet', policy: { routes: ['10.0.0.0/24'] } },
      ],
    },
    'blue-1': { mac: '02:00:0a:00:00:04', ip: ['10.0.0.4'], vni: 7001, nic: { tap: { interface: 'blue-1' } } },
  },
})

/** A configuration with another value at a JSON pointer; `undefined` takes it out. */
export const damaged = (path: string, value: unknown, config = aConfig()): Json => {
  const keys = path.split('/').slice(1)
  const last = keys.pop() ?? ''
  let at: Json = config
  for (const key of keys) at = at[key] as Json
  if (value === undefined) Reflect.deleteProperty(at, last)
  else at[last] = value
  return config
}
