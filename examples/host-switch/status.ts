/** Asks a running host switch for its status: `node examples/dist/host-switch/status.js [--table] SOCKET`. */
import { realpathSync } from 'node:fs'
import { renderStatus } from './live-table.js'
import type { Status } from './status-document.js'
import { askStatus } from './status-socket.js'

const run = async (argv: readonly string[]): Promise<0 | 1 | 2> => {
  const [path, ...more] = argv.filter((word) => word !== '--table')
  if (path === undefined || more.length > 0) {
    process.stderr.write('usage: node examples/dist/host-switch/status.js [--table] SOCKET\n')
    return 2
  }
  try {
    const answer = await askStatus(path)
    // What answers at a socket that this program named is this program.
    process.stdout.write(argv.includes('--table') ? `${renderStatus(answer as Status).join('\n')}\n` : `${JSON.stringify(answer, undefined, 2)}\n`)
    return 0
  } catch (thrown) {
    process.stderr.write(`status: ${path}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
    return 1
  }
}

if (process.argv[1] !== undefined && import.meta.filename === realpathSync(process.argv[1])) process.exitCode = await run(process.argv.slice(2))
