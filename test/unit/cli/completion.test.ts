import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { candidates } from '../../../src/cli/complete.ts'
import { COMMANDS } from '../../../src/cli/command-table.ts'
import { main } from '../../../src/cli/main.ts'
import { fakeIo } from './fakes.ts'

const asked: string[] = []
const complete = async (...words: string[]): Promise<string[]> =>
  (
    await candidates(COMMANDS, words, async (kind) => {
      asked.push(kind)
      return kind === 'lanes' ? ['parser', 'parser/test', 'docs'] : [`some-${kind}`]
    })
  ).map((line) => line.split('\t')[0] ?? '')

describe('candidates', () => {
  it('are the commands and groups, but no hidden one', async () => {
    const words = await complete('')
    expect(words).toEqual(expect.arrayContaining(['run', 'config', 'help']))
    expect(words).not.toContain('complete')
    expect(await complete('ru')).toEqual(['run', 'runs'])
    expect(await complete('config', '')).toEqual(['explain', 'path'])
    expect(await complete('help', 'conf')).toEqual(['config'])
    expect(await complete('help', 'config', 'p')).toEqual(['path'])
  })

  it('are options, their choices, and names that live', async () => {
    expect(await complete('run', '--p')).toEqual(['--plain', '--parallel'])
    expect(await complete('run', '--keep', '')).toEqual(['never', 'failed', 'always'])
    expect(await complete('run', '--keep=n')).toEqual(['--keep=never'])
    expect(await complete('run', '--keep', '=', 'f')).toEqual(['failed'])
    expect(await complete('why', 'pa')).toEqual(['parser', 'parser/test'])
    expect(await complete('why', '--run', '')).toEqual(['some-runs'])
    expect(await complete('why', '--run', 'x', 'd')).toEqual(['docs'])
    expect(await complete('completion', '')).toEqual(['bash', 'zsh', 'fish'])
    expect(await complete('fuzz', 'a', 'b', '')).toEqual([':files'])
    expect(await complete('why', 'parser', '')).toEqual([])
    expect(await complete('nonsense', '')).toEqual([])
    expect(await complete()).toContain('run')
  })

  it('say what they are after a tab', async () => {
    const io = fakeIo()
    expect(await main(['complete', '--', 'doc'], io)).toBe(0)
    expect(io.out.text()).toBe(`doctor\t${COMMANDS.find(({ name }) => name === 'doctor')?.about}\n`)
  })

  it('of a repository that is none, or was never used, are none, and nothing is written', async () => {
    const io = fakeIo({ cwd: tmpdir() })
    expect(await main(['complete', '--', 'why', ''], io)).toBe(0)
    expect(io.out.text() + io.err.text()).toBe('')
  })
})

const directory = mkdtempSync(join(tmpdir(), 'signalbox-completion-'))
afterAll(() => rmSync(directory, { recursive: true }))
const entry = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
writeFileSync(
  join(directory, 'signalbox'),
  `#!/bin/sh\nexec '${process.execPath}' --input-type=module -e 'import("${entry}").then(({ main }) => main(process.argv.slice(1)))' -- "$@"\n`,
)
chmodSync(join(directory, 'signalbox'), 0o755)
const env = { ...process.env, PATH: `${directory}${delimiter}${process.env['PATH'] ?? ''}` }
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0
const script = (shell: string): string => execFileSync(join(directory, 'signalbox'), ['completion', shell], { env, encoding: 'utf8' })

describe('completion scripts', () => {
  it('bash: completes commands, options and choices', () => {
    const words = (line: string): string[] => {
      const array = line.split(' ').map((word) => `'${word}'`)
      const program = `${script('bash')}\nCOMP_WORDS=(${array.join(' ')}); COMP_CWORD=${array.length - 1}; _signalbox; printf '%s\\n' "\${COMPREPLY[@]}"`
      return execFileSync('bash', ['--norc', '-c', program], { env, encoding: 'utf8' }).trimEnd().split('\n')
    }
    expect(words('signalbox ru')).toEqual(['run', 'runs'])
    expect(words('signalbox run --keep ')).toEqual(['never', 'failed', 'always'])
    expect(words('signalbox run --js')).toEqual(['--json'])
    expect(words('signalbox run ')).toEqual([''])
    // as bash breaks them: no other word has colons, so a stand-in answers
    const broken = `signalbox() { printf '%s\\n' "$3" lane:docs lane:docs-2; }
      ${script('bash')}
      COMP_WORDBREAKS=':'; COMP_WORDS=(signalbox info lane : do); COMP_CWORD=4; _signalbox; printf '%s\\n' "\${COMPREPLY[@]}"`
    expect(execFileSync('bash', ['--norc', '-c', broken], { env, encoding: 'utf8' })).toBe('info\ndocs\ndocs-2\n')
  })

  it.skipIf(!has('zsh'))('zsh: is valid (needs zsh)', () => {
    expect(spawnSync('zsh', ['-n'], { input: script('zsh') }).status).toBe(0)
  })

  it.skipIf(!has('fish'))('fish: completes commands (needs fish)', () => {
    const program = `${script('fish')}\ncomplete --do-complete 'signalbox ru'`
    expect(execFileSync('fish', ['-c', program], { env, encoding: 'utf8' })).toMatch(/^run\t[\s\S]*^runs\t/m)
  })
})
