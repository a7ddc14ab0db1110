/** A guarded port, and what became of a frame at it. */
import { orThrow, type Port } from '@vfp-ts/core'
import { guard, type GuardJson } from '@vfp-ts/layers'
import { host, outcome } from '../host.js'

/** MAC of the VM behind the port, which has 10.0.1.4 and fd00::4, and of another one. */
export const VM = '00:15:5d:00:00:04'
export const OTHER = '00:15:5d:00:00:66'

/** A port with a guard alone. */
export const guarded = (json: GuardJson = {}): Port => {
  const { port } = host()
  orThrow(orThrow(port.addLayer(guard.layer, { order: 5 })).update(guard.policy(json)))
  return port
}

/** Whether a frame passes: `passes`, or the reason why not. Each is sent twice: walked and cached. */
export const verdict = (port: Port, direction: 'outbound' | 'inbound', bytes: Uint8Array): string => {
  const [walked, cached] = [outcome(port, direction, bytes), outcome(port, direction, bytes)].map((o) => (o.startsWith('drop ') ? o.slice(5) : 'passes'))
  return walked === cached ? walked ?? '' : `walked ${walked}, cached ${cached}`
}
