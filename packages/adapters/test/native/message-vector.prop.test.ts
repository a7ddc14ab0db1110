import { testNeeding } from '@vfp-ts/needs'
import fc from 'fast-check'
import { loadLinux } from '../../src/native/linux.js'
import { MESSAGE_BYTES, MessageVector } from '../../src/native/message-vector.js'
import { orThrow } from './or-throw.js'

const message = fc.record({ address: fc.nat({ max: 2 ** 48 - 1 }), length: fc.nat({ max: 0xffff_ffff }) })

testNeeding('koffi')('message vector: lies in memory as the C compiler lays out its structs', async (t) => {
  const linux = orThrow(await loadLinux('test'))
  const { default: koffi } = await import('koffi')
  const msghdr = koffi.struct({
    name: 'void *', nameLength: 'uint32_t', iov: 'void *', iovCount: 'size_t', control: 'void *', controlLength: 'size_t', flags: 'int',
  })
  const mmsghdr = koffi.struct({ header: msghdr, length: 'uint32_t' })
  const iovec = koffi.struct({ base: 'void *', length: 'size_t' })
  fc.assert(fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), (messages) => {
    const vector = new MessageVector(linux, messages.length)
    messages.forEach(({ address, length }, i) => vector.set(i, address, length))
    const memory = new DataView(linux.view(vector.address, messages.length * (MESSAGE_BYTES + 16)))
    messages.forEach(({ address, length }, i) => {
      const at = i * koffi.sizeof(mmsghdr)
      memory.setUint32(at + koffi.offsetof(mmsghdr, 'length'), 1_000 + i, true)
      t.is(vector.received(i), 1_000 + i)
      t.is(memory.getBigUint64(at + koffi.offsetof(msghdr, 'iovCount'), true), 1n)
      for (const member of ['name', 'control', 'controlLength']) t.is(memory.getBigUint64(at + koffi.offsetof(msghdr, member), true), 0n)
      const vectorAt = Number(memory.getBigUint64(at + koffi.offsetof(msghdr, 'iov'), true)) - vector.address
      t.is(memory.getBigUint64(vectorAt + koffi.offsetof(iovec, 'base'), true), BigInt(address))
      t.is(memory.getBigUint64(vectorAt + koffi.offsetof(iovec, 'length'), true), BigInt(length))
    })
  }))
})
