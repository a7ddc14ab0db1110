import test from 'ava'
import { linesOf } from './run.js'

const lines = linesOf('pingmesh')

/** Loss in percent, and the median in milliseconds, of a way. */
const way = (from: number, to: number): { readonly loss: number; readonly median: number } => {
  const cells = lines.find((line) => line.startsWith(`host-${from}   host-${to}`))?.split(/\s+/) ?? []
  return { loss: Number(cells[3]), median: Number(cells[6]) }
}

test('pingmesh: finds the link that loses packets, from both its ends', (t) => {
  for (const [from, to] of [[1, 3], [3, 1]] as const) t.true(way(from, to).loss > 5 && way(from, to).loss < 20, `${from} > ${to}`)
  for (const [from, to] of [[1, 2], [2, 1], [2, 3], [3, 2]] as const) t.is(way(from, to).loss, 0, `${from} > ${to}`)
})

test('pingmesh: finds the link that is slow', (t) => {
  for (const [from, to] of [[2, 3], [3, 2]] as const) t.true(way(from, to).median > 5, `${from} > ${to}`)
  for (const [from, to] of [[1, 2], [2, 1], [1, 3], [3, 1]] as const) t.true(way(from, to).median < 1, `${from} > ${to}`)
})

test('pingmesh: no VM hears of it, and a VM gets what is its own', (t) => {
  t.true(lines.includes('packets that a VM heard of it: 0'))
  t.is(lines.at(-1), 'and of a packet to port 61000 that another VM sent it: 1')
})
