import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseCommand } from '../../../src/cli/parse-command.ts'
import { widthOf } from '../../../src/cli/text.ts'
import { HELP } from '../../../src/tui/top-screen.ts'

const guide = readFileSync(join(import.meta.dirname, '../../../docs/guide/inspecting.md'), 'utf8')
const commands = [...guide.matchAll(/^```sh\n([^]*?)\n```$/gmu)].flatMap(([, block = '']) =>
  block.split('\n').map((line) =>
    line
      .replace(/ *#.*$/u, '')
      .split(' ')
      .slice(1),
  ),
)

describe('the guide to inspecting', () => {
  it('names commands that there are, with options that they have', () => {
    expect(commands.length).toBeGreaterThan(15)
    for (const argv of commands) expect(parseCommand(argv)).toMatchObject({ kind: 'command' })
  })

  it('and the help of top has no line that is too wide for 80 columns', () => {
    for (const line of HELP) expect(widthOf(line)).toBeLessThanOrEqual(80)
  })
})
