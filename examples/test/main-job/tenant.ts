/** The tenant's capture, as its README describes it, and runs over it. */
import { fileURLToPath } from 'node:url'
import { formatIp, dissect, type Frame, type IpAddress, orThrow, parseIp } from '@vfp-ts/core'
import { readWholeCapture } from '@vfp-ts/adapters/pcap'
import { run } from '../../main-job/job.js'
import type { Report } from '../../main-job/report.js'

/** Where the compiled tests find what is not compiled: `dist/test/main-job` → `examples`. */
export const inExamples = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

export const TENANT = inExamples('captures/tenant.pcapng')
export const TENANT_POLICY = inExamples('main-job/policy/tenant')

/** Runs the main job for its JSON report; it must end well. */
export const reportOf = async (...args: readonly string[]): Promise<Report> => {
  const { stdout, stderr, code } = await run(['--json', '--flows', '10000', ...args])
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`)
  return JSON.parse(stdout) as Report
}

/** Frames of the capture with the name of the VM that sent each. */
export const recorded = async (): Promise<readonly { readonly data: Uint8Array; readonly sender: string }[]> => {
  const { packets } = await readWholeCapture(TENANT)
  return packets.map(({ data, interfaceName }) => ({ data, sender: interfaceName ?? '' }))
}

/** The innermost headers of a frame in short. */
export interface Ends {
  readonly src: string
  readonly dst: string
  readonly srcPort: number | undefined
  readonly dstPort: number | undefined
  readonly kind: string
  readonly fragment: boolean
}

/** Who speaks to whom in a frame; `undefined` if it is not IP. */
export const endsOf = (frame: Frame): Ends | undefined => {
  const group = frame.groups[frame.groups.length - 1]
  const net = group?.net
  if (net === undefined || net.kind === 'arp') return undefined
  const t = group?.transport
  const ports = t?.kind === 'tcp' || t?.kind === 'udp' ? t : undefined
  const fragment = net.kind === 'ipv4'
    ? net.moreFragments || net.fragmentOffset > 0
    : net.extensions.some((e) => e.kind === 'fragment')
  return {
    src: formatIp(net.source), dst: formatIp(net.destination), srcPort: ports?.sourcePort, dstPort: ports?.destinationPort,
    kind: t?.kind ?? 'none', fragment,
  }
}

/** The packet that an ICMP error quotes, read as the frame it was in but for the MACs; `undefined` for anything else. The capture's quotes are whole. */
export const quoteOf = ({ groups, payload }: Frame): Frame | undefined => {
  const { net, transport } = groups[0]
  const error = transport?.kind === 'icmp' ? transport.type === 3 : transport?.kind === 'icmpv6' && transport.type < 128
  return error ? read(Uint8Array.of(...new Uint8Array(12), ...(net?.kind === 'ipv6' ? [0x86, 0xdd] : [0x08, 0x00]), ...payload)) : undefined
}

export const read = (bytes: Uint8Array): Frame => orThrow(dissect(bytes))
export const ip = (text: string): IpAddress => orThrow(parseIp(text))
