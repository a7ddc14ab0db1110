import test from 'ava'
import fc from 'fast-check'
import { type CustomerAddress, directory, formatMapping, type Mapping } from '../../src/policy/directory.js'
import type { Cell } from '../../src/policy/resource.js'
import { ipv4, ipv6 } from '../../src/wire/address.js'

const at = (pa: number, vni?: number): Mapping => ({ endpoints: [{ pa: ipv4(pa), mac: 1 }], ...(vni === undefined ? {} : { vni }) })
const key: CustomerAddress = { vni: 5001, ip: ipv4(0x0a000001) }

test('directory: finds what was set and nothing else', (t) => {
  const d = directory('places')
  t.is(d.name, 'places')
  t.is(d.lookup(key)._tag, 'Absent')
  d.set(key, at(1))
  const found = d.lookup({ vni: 5001, ip: ipv4(0x0a000001) })
  t.is(found._tag, 'Found')
  if (found._tag === 'Found') t.deepEqual(found.value, at(1))
  t.is(d.lookup({ ...key, vni: 5002 })._tag, 'Absent')
  t.is(d.lookup({ ...key, ip: ipv4(0x0a000002) })._tag, 'Absent')
  t.is(d.size(), 1)
})

test('directory: keeps an IPv4 address apart from the IPv6 address of the same words', (t) => {
  const d = directory()
  d.set({ vni: 1, ip: ipv4(7) }, at(1))
  t.is(d.lookup({ vni: 1, ip: ipv6(0, 0, 0, 7) })._tag, 'Absent')
})

test('directory: removes once', (t) => {
  const d = directory()
  d.set(key, at(1))
  t.true(d.remove(key))
  t.false(d.remove(key))
  t.is(d.lookup(key)._tag, 'Absent')
  t.is(d.size(), 0)
})

test('directory: a changed entry bumps its own cell and no other', (t) => {
  const d = directory()
  const other = { ...key, ip: ipv4(0x0a000002) }
  d.set(key, at(1))
  d.set(other, at(1))
  const mine = d.lookup(key).cell
  const theirs = d.lookup(other).cell
  const before = [mine.version, theirs.version] as const
  d.set(key, at(2))
  t.true(mine.version > before[0])
  t.is(theirs.version, before[1])
})

test('directory: absent keys share one cell, which any insertion bumps and a removal need not', (t) => {
  const d = directory()
  const absent = d.lookup(key).cell
  t.is(d.lookup({ ...key, vni: 9 }).cell, absent)
  const before = absent.version
  d.set({ ...key, vni: 7 }, at(1))
  t.true(absent.version > before)
})

test('directory: an answer stands for as long as the cell that came with it does not change', (t) => {
  const keys = [0, 1, 2].map((n): CustomerAddress => ({ vni: n, ip: ipv4(n) }))
  const edit = fc.record({ key: fc.constantFrom(...keys), set: fc.option(fc.nat(2)) })
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
      const d = directory()
      const seen: { readonly key: CustomerAddress; readonly answer: string; readonly cell: Cell; readonly version: number }[] = []
      const answerOf = (k: CustomerAddress): string => JSON.stringify(d.lookup(k), ['_tag', 'value', 'endpoints', 'pa', 'words'])
      for (const { key: k, set } of edits) {
        for (const look of keys) {
          const { cell } = d.lookup(look)
          seen.push({ key: look, answer: answerOf(look), cell, version: cell.version })
        }
        if (set === null) d.remove(k)
        else d.set(k, at(set))
        for (const s of seen) if (s.cell.version === s.version) t.is(answerOf(s.key), s.answer)
      }
    }),
    { numRuns: 100 },
  )
  t.pass()
})

test('formatMapping: names every endpoint, and the network where it differs', (t) => {
  t.is(formatMapping(at(0xc0000201)), '192.0.2.1 00:00:00:00:00:01')
  t.is(
    formatMapping({ endpoints: [{ pa: ipv4(0xc0000201), mac: 1 }, { pa: ipv4(0xc0000202), mac: 2 }], vni: 7 }),
    '192.0.2.1 00:00:00:00:00:01 | 192.0.2.2 00:00:00:00:00:02 vni 7',
  )
})

test('directory: add reads a mapping from text, and sets nothing where an address is none', (t) => {
  const d = directory()
  t.deepEqual(d.add({ vni: 7, ip: '10.0.0.1', at: [{ pa: '192.0.2.1', mac: '00:00:00:00:00:01' }, { pa: '192.0.2.2', mac: '00:00:00:00:00:02' }], destinationVni: 8 }), {
    _tag: 'Right', right: undefined,
  })
  const found = d.lookup({ vni: 7, ip: ipv4(0x0a000001) })
  t.is(found._tag === 'Found' ? formatMapping(found.value) : '', '192.0.2.1 00:00:00:00:00:01 | 192.0.2.2 00:00:00:00:00:02 vni 8')
  const good = { pa: '192.0.2.1', mac: '00:00:00:00:00:01' }
  for (const bad of [
    { vni: 7, ip: '10.0.0', at: [good] }, { vni: 7, ip: '10.0.0.2', at: [] }, { vni: 7, ip: '10.0.0.2', at: [good, { ...good, pa: 'x' }] },
    { vni: 7, ip: '10.0.0.2', at: [{ ...good, mac: 'x' }] },
  ]) t.is(d.add(bad)._tag, 'Left', JSON.stringify(bad))
  t.is(d.size(), 1)
})

test('directory: reads from text which network and which tunnel a mapping wants, and refuses a tunnel without networks', (t) => {
  const d = directory()
  const text = { vni: 5001, ip: '10.0.0.1', at: [{ pa: '192.0.2.1', mac: '00:00:00:00:00:01' }] }
  t.is(d.add({ ...text, useDstVni: true, tunnel: 'geneve' })._tag, 'Right')
  const found = d.lookup(key)
  if (found._tag !== 'Found') return t.fail()
  t.like(found.value, { useDstVni: true, tunnel: 'geneve' })
  t.is(formatMapping(found.value), '192.0.2.1 00:00:00:00:00:01 with its vni by geneve')
  t.is(formatMapping({ ...found.value, useDstVni: false, tunnel: 'nvgre' }), '192.0.2.1 00:00:00:00:00:01 with the vni of the sender by nvgre')
  t.like(d.add({ ...text, tunnel: 'gre' as 'nvgre' }), { left: { _tag: 'BadAddress', input: 'gre', reason: 'a tunnel is one of vxlan, nvgre, geneve' } })
})
