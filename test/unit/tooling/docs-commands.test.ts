import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/command-table.ts'
import { parseCommand } from '../../../src/cli/parse-command.ts'

const root = resolve(import.meta.dirname, '../../..')
const pages = ['README.md', ...globSync('docs/guide/*.md', { cwd: root })].map((file) => ({
  file,
  text: readFileSync(join(root, file), 'utf8'),
}))

/** Words as a shell would split them; a comment, a pipe or a redirection ends the command. */
const wordsOf = (line: string): string[] => {
  const words: string[] = []
  for (const [, double, single, plain] of line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
    if (plain !== undefined && /^(#|\||>|&&|&|;)/.test(plain)) break
    words.push(double ?? single ?? plain ?? '')
  }
  return words
}

const commandLines = pages.flatMap(({ file, text }) =>
  [...text.matchAll(/```(?:sh|console)\n([^]*?)\n```/g)].flatMap(([, block = '']) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((line) => line.replace(/^\$ /, ''))
      .filter((line) => line.startsWith('signalbox '))
      .map((line) => ({ file, line })),
  ),
)

describe('documents', () => {
  it('show commands', () => {
    expect(commandLines.length).toBeGreaterThan(10)
  })

  it.each(commandLines)('$file: $line', ({ line }) => {
    expect(() => parseCommand(wordsOf(line).slice(1))).not.toThrow()
  })

  it('name commands that exist', () => {
    const names = new Set(COMMANDS.map(({ name }) => name.split(' ')[0]))
    const named = pages.flatMap(({ file, text }) =>
      [...text.matchAll(/`signalbox ([a-z][a-z-]*)/g)].map(([, name = '']) => ({ file, name })),
    )
    expect(named.filter(({ name }) => !names.has(name) && name !== 'help')).toEqual([])
  })
})
