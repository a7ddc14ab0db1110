/** A switch with one VM for the tests that send real frames. */
import { type Direction, directory, type Directory, type ManualClock, manualClock, openSwitch, orThrow, type Port, type Processed } from '@vfp-ts/core'
import { show } from './frames.js'
import { ip, mac } from './support.js'

/** A host, its VM's port, and time. */
export interface Host {
  readonly port: Port
  readonly clock: ManualClock
}

/** A host whose VM has one address of each version; no layers yet. */
export const host = (ca?: Directory): Host => {
  const clock = manualClock()
  const resources = ca === undefined ? {} : { ca }
  const opened = openSwitch({ clock, resources, flowIdleUs: 3_600_000_000 })
  return { clock, port: orThrow(opened.addPort({ name: 'vm-1', mac: '00:15:5d:00:00:04', ip: ['10.0.1.4', 'fd00::4'] })) }
}

/** What became of a frame as text: the frame that left, or `drop Reason`. */
export const outcome = (port: Port, direction: Direction, bytes: Uint8Array): string => {
  const { outcome: end, outputs } = port.process(direction, bytes)
  return end._tag === 'Dropped' ? `drop ${end.reason}` : outputs.map((o) => show(o.frame)).join(' and ')
}

/** The one frame that left. */
export const passed = ({ outcome: end, outputs }: Processed): Uint8Array => {
  const [output] = outputs
  if (end._tag === 'Dropped' || output === undefined || outputs.length > 1) throw new Error(`expected one frame, got ${JSON.stringify(end)}`)
  return output.frame
}

/** A directory with a VM of network 5001 on each of two hosts: 10.0.1.5 on 192.0.2.5, fd00::5 on 2001:db8::5. */
export const twoVms = (): Directory => {
  const ca = directory('ca')
  ca.set({ vni: 5001, ip: ip('10.0.1.5') }, { endpoints: [{ pa: ip('192.0.2.5'), mac: mac('00:15:5d:00:00:05') }] })
  ca.set({ vni: 5001, ip: ip('fd00::5') }, { endpoints: [{ pa: ip('2001:db8::5'), mac: mac('00:15:5d:00:00:05') }] })
  return ca
}
