/** What the four tunnel headers have in common: where the frame inside begins, its network identifier, and their representation. */
import type { Either } from 'fp-ts/lib/Either.js'
import { Tunnel } from './frame-view.js'
import { emitGeneve, formatGeneve, geneveLength, geneveSize, geneveVni, parseGeneve, type Geneve } from './geneve.js'
import { emitGre, formatGre, GRE_LENGTH, greSize, parseGre, type Gre } from './gre.js'
import { emitNvgre, formatNvgre, NVGRE_LENGTH, nvgreVsid, parseNvgre, type Nvgre } from './nvgre.js'
import { emitVxlan, formatVxlan, parseVxlan, VXLAN_LENGTH, vxlanVni, type Vxlan } from './vxlan.js'
import type { Parsed, WireError } from './wire-error.js'

/** A tunnel header; `kind` tells which. */
export type TunnelHeader = Vxlan | Nvgre | Geneve | Gre

/** Returns the bytes of the tunnel header of a {@link Tunnel} kind at `at`, which `parseFrame` has passed. The frame inside begins behind them. */
export const tunnelLength = (bytes: Uint8Array, kind: number, at: number): number =>
  kind === Tunnel.Vxlan ? VXLAN_LENGTH : kind === Tunnel.Geneve ? geneveLength(bytes, at) : kind === Tunnel.Nvgre ? NVGRE_LENGTH : GRE_LENGTH

/** Returns the network identifier of the tunnel header of a {@link Tunnel} kind at `at`; 0 for plain GRE, which has none. */
export const tunnelVni = (bytes: Uint8Array, kind: number, at: number): number =>
  kind === Tunnel.Vxlan ? vxlanVni(bytes, at) : kind === Tunnel.Geneve ? geneveVni(bytes, at) : kind === Tunnel.Nvgre ? nvgreVsid(bytes, at) : 0

/** Reads the tunnel header of a {@link Tunnel} kind at `at`. */
export const parseTunnelHeader = (bytes: Uint8Array, kind: number, at: number, end: number): Either<WireError, Parsed<TunnelHeader>> => {
  switch (kind) {
    case Tunnel.Vxlan:
      return parseVxlan(bytes, at, end)
    case Tunnel.Nvgre:
      return parseNvgre(bytes, at, end)
    case Tunnel.Geneve:
      return parseGeneve(bytes, at, end)
    default:
      return parseGre(bytes, at, end)
  }
}

/** Returns the bytes of a tunnel header. */
export const tunnelHeaderSize = (header: TunnelHeader): number => {
  switch (header.kind) {
    case 'vxlan':
      return VXLAN_LENGTH
    case 'nvgre':
      return NVGRE_LENGTH
    case 'geneve':
      return geneveSize(header)
    case 'gre':
      return greSize(header)
  }
}

/** Writes a tunnel header at `at`. */
export const emitTunnelHeader = (header: TunnelHeader, bytes: Uint8Array, at: number): void => {
  if (header.kind === 'vxlan') emitVxlan(header, bytes, at)
  else if (header.kind === 'nvgre') emitNvgre(header, bytes, at)
  else if (header.kind === 'geneve') emitGeneve(header, bytes, at)
  else emitGre(header, bytes, at)
}

/** Formats a tunnel header in one line. */
export const formatTunnelHeader = (header: TunnelHeader): string => {
  switch (header.kind) {
    case 'vxlan':
      return formatVxlan(header)
    case 'nvgre':
      return formatNvgre(header)
    case 'geneve':
      return formatGeneve(header)
    case 'gre':
      return formatGre(header)
  }
}
