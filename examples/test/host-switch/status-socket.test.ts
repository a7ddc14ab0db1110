/** The status socket: who connects gets a document; whose file it is. */
import { once } from 'node:events'
import { existsSync, linkSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import * as E from 'fp-ts/lib/Either.js'
import { askStatus, openStatusSocket } from '../../host-switch/status-socket.js'

const pathOf = (t: ExecutionContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'vfp-status-'))
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  return join(folder, 'status.sock')
}

test('unit: everyone who connects gets the document of that moment', async (t) => {
  const path = pathOf(t)
  let asked = 0
  const socket = await openStatusSocket(path, () => ({ asked: ++asked }))
  t.true(E.isRight(socket))
  t.is(statSync(path).mode & 0o077, 0, 'it is the owner’s alone')
  t.deepEqual(await askStatus(path), { asked: 1 })
  t.deepEqual(await Promise.all([askStatus(path), askStatus(path)]), [{ asked: 2 }, { asked: 3 }])
  if (E.isRight(socket)) await socket.right.close()
  t.false(existsSync(path))
})

test('unit: a socket that somebody answers at is not taken', async (t) => {
  const path = pathOf(t)
  const first = await openStatusSocket(path, () => ({ first: true }))
  t.deepEqual(await openStatusSocket(path, () => ({})), E.left(`${path}: somebody answers there already`))
  t.deepEqual(await askStatus(path), { first: true })
  if (E.isRight(first)) await first.right.close()
})

test('unit: a file that a killed program left behind is taken over', async (t) => {
  const path = pathOf(t)
  // A server that closes removes its own name of the socket, not a second one.
  const dead = createServer()
  await new Promise<void>((resolve) => { dead.listen(join(path, '..', 'old'), resolve) })
  linkSync(join(path, '..', 'old'), path)
  await new Promise<void>((resolve) => { dead.close(() => resolve()) })
  t.true(existsSync(path))
  const socket = await openStatusSocket(path, () => ({ alive: true }))
  t.true(E.isRight(socket))
  t.deepEqual(await askStatus(path), { alive: true })
  if (E.isRight(socket)) await socket.right.close()
})

test('unit: a folder that is not there is told', async (t) => {
  const folder = join(pathOf(t), 'nowhere')
  t.deepEqual(await openStatusSocket(join(folder, 'status.sock'), () => ({})), E.left(`${folder}/status.sock: there is no folder ${folder}`))
})

test('unit: a file that somebody removed is made again when that is asked for', async (t) => {
  const path = pathOf(t)
  const socket = await openStatusSocket(path, () => ({ here: true }))
  if (E.isLeft(socket)) return t.fail(socket.left)
  t.deepEqual(await socket.right.renew(), E.right(undefined))
  t.deepEqual(await askStatus(path), { here: true })
  rmSync(path)
  t.deepEqual(await socket.right.renew(), E.right(undefined))
  t.deepEqual(await askStatus(path), { here: true })
  await socket.right.close()
  t.false(existsSync(path))
})

test('unit: one who is connected and never hangs up does not keep it open', async (t) => {
  t.timeout(10_000)
  const path = pathOf(t)
  const socket = await openStatusSocket(path, () => ({ long: 'x'.repeat(2 ** 22) }))
  if (E.isLeft(socket)) return t.fail(socket.left)
  const idle = connect({ path, allowHalfOpen: true })
  idle.on('error', () => undefined)
  t.teardown(() => idle.destroy())
  await once(idle, 'readable')
  await socket.right.close()
  t.false(existsSync(path))
})
