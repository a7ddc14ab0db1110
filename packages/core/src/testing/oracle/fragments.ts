/** What the slow oracle reads of fragments: from the headers as values. */
import { dissect } from '../../wire/dissect.js'
import { fragmentOf, type HeaderGroup, transportHeaderSize } from '../../wire/frame.js'
import { extensionSize } from '../../wire/ipv6-extension.js'
import type { SlowFrame } from './slow-frame.js'
import { TEST_ENDS } from '../transposition-values.js'

/** Where in its datagram a fragment begins, in bytes. */
export const offsetOf = (frame: SlowFrame): number => {
  const { net } = innermost(frame).group
  if (net?.kind === 'ipv4') return net.fragmentOffset
  return net?.kind === 'ipv6' ? net.extensions.find((e) => e.kind === 'fragment')?.offset ?? 0 : 0
}

/** Bytes of its datagram that a first fragment holds. */
export const heldBytes = (frame: SlowFrame): number => {
  const { group, payload } = innermost(frame)
  if (fragmentOf(group.net) !== 'first') throw new Error('not a first fragment')
  const extensions = group.net?.kind === 'ipv6' ? group.net.extensions : []
  const behind = extensions.slice(extensions.findIndex((e) => e.kind === 'fragment') + 1).reduce((sum, e) => sum + extensionSize(e), 0)
  return behind + (group.transport === undefined ? 0 : transportHeaderSize(group.transport)) + payload
}

const innermost = ({ bytes, depth }: SlowFrame): { readonly group: HeaderGroup; readonly payload: number } => {
  const frame = dissect(bytes, depth, [], TEST_ENDS)
  if (frame._tag === 'Left') throw new Error(`a frame that parsed cannot be read: ${frame.left.detail}`)
  const { groups, payload } = frame.right
  return { group: groups[groups.length - 1] ?? groups[0], payload: payload.length }
}
