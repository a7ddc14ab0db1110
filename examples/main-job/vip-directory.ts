/**
 * A resource of one's own: the shared directory as one client sees it.
 *
 * Rules consult resources by key and remember the *cell* of each answer, so that a changed entry touches just the
 * flows that used it. This one answers a lookup of a VIP with the entry of the server that was chosen for the client,
 * its cell included: if that server moves, the client's flows to the VIP follow. Nothing else is needed to be a resource.
 */
import type { CustomerAddress, Directory, IpAddress } from '@vfp-ts/core'
import type { VnetDirectory } from '@vfp-ts/layers'
import { sameIp } from '@vfp-ts/core'

/** A VIP, and the address of the server that serves it for one client. */
export interface Redirect {
  readonly vip: IpAddress
  readonly dip: IpAddress
}

/** The directory with some addresses standing for others. */
export const vipDirectory = (shared: Directory, redirects: readonly Redirect[]): VnetDirectory => ({
  name: redirects.length === 0 ? shared.name : `${shared.name} with ${redirects.length} ${redirects.length === 1 ? 'VIP' : 'VIPs'}`,
  lookup: ({ vni, ip }: CustomerAddress) => {
    const redirect = redirects.find(({ vip }) => sameIp(vip, ip))
    return shared.lookup({ vni, ip: redirect?.dip ?? ip })
  },
})
