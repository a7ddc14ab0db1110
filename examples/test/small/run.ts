/** Small examples are programs: tests run them as a reader would, and look at what they print. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** What an example prints, line by line; throws what it said where it failed. */
export const linesOf = (example: string): readonly string[] => {
  const path = fileURLToPath(new URL(`../../${example}.js`, import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8', timeout: 60_000 })
  if (status !== 0) throw new Error(`${example}: exit code ${status ?? 'none'}\n${stderr}`)
  return stdout.trimEnd().split('\n')
}

/** The lines of a part: those that are indented below its title. */
export const below = (lines: readonly string[], title: string): readonly string[] => {
  const from = lines.indexOf(title) + 1
  if (from === 0) throw new Error(`there is no line "${title}" in\n${lines.join('\n')}`)
  const rest = lines.slice(from)
  const end = rest.findIndex((line) => !line.startsWith(' '))
  return (end < 0 ? rest : rest.slice(0, end)).map((line) => line.slice(2))
}
