import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const entry = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))

/** What a program loads, besides what node itself does. */
const loadedByProgram = (program: string, args: readonly string[]): string[] => {
  const watched = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
    ${program}
    process.stdout.write('\\n' + JSON.stringify(loaded))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', watched, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return (JSON.parse(output.slice(output.lastIndexOf('\n') + 1)) as string[]).map((url) => url.replace(/^.*\/(src|node_modules)\//u, '$1/'))
}

const loadedBy = (...argv: readonly string[]): string[] =>
  loadedByProgram('await (await import(process.argv[1])).main(JSON.parse(process.argv[2]))', [entry, JSON.stringify(argv)])

const packages = (loaded: readonly string[]): string[] => loaded.filter((path) => path.startsWith('node_modules/'))

describe('what a command loads', () => {
  it('the version: three files of ours and node:fs', () => {
    expect(loadedBy('--version').sort()).toEqual(['src/cli/main.ts', 'src/runtime/version.ts', 'src/cli/writer.ts', 'node:fs'].sort())
  })

  it.each([[['help']], [['help', 'run']], [['rum']], [['completion', 'bash']], [['complete', '--', 'ru']]])(
    '%j: no package at all, neither zod nor xstate',
    (argv) => {
      const loaded = loadedBy(...argv)
      expect(loaded).toContain('src/cli/command-table.ts')
      expect(packages(loaded)).toEqual([])
    },
  )

  it.each([[['status']], [['status', '--json']], [['tree', '--json']], [['info', 'x']], [['kill', 'x', '--yes']]])(
    '%j: neither zod, xstate nor any other package, and no sqlite',
    (argv) => {
      const loaded = loadedBy(...argv)
      expect(loaded.some((path) => path.endsWith('.command.ts'))).toBe(true)
      expect(packages(loaded)).toEqual([])
      expect(loaded).not.toContain('node:sqlite')
    },
  )

  it('what `status` loads to ask an orchestrator: the client, and no package', () => {
    const program = `await import(${JSON.stringify(fileURLToPath(new URL('../../../src/client/client.ts', import.meta.url)))})`
    const loaded = loadedByProgram(program, [])
    expect(loaded).toContain('src/client/wire.ts')
    expect(packages(loaded)).toEqual([])
  })

  it.each([
    [['lane', 'ls'], 'lane.command.ts'],
    [['lane', 'show', 'x', '--json'], 'lane.command.ts'],
    [['term', 'ls'], 'term.command.ts'],
    [['term', 'send', 'x', 'y'], 'term.command.ts'],
    [['term', 'logs', 'x'], 'term-logs.command.ts'],
  ])('%j: the client, its own code, and nothing of the engine', (argv, own) => {
    const loaded = loadedBy(...argv)
    expect(loaded).toEqual(expect.arrayContaining([`src/cli/${own}`, 'src/client/client.ts']))
    expect(packages(loaded)).toEqual([])
    expect(loaded).not.toContain('node:sqlite')
    const layers = new Set(loaded.filter((path) => path.startsWith('src/')).map((path) => path.replace(/\/[^/]*$/u, '')))
    expect([...layers].sort()).toEqual(
      'adapters adapters/darwin adapters/linux adapters/system cli client protocols protocols/control runtime runtime/service'
        .split(' ')
        .map((layer) => `src/${layer}`),
    )
  })

  it('completion of names that the orchestrator knows: the client, and no package', () => {
    const loaded = loadedBy('complete', '--', 'term', 'kill', '')
    expect(loaded).toContain('src/client/client.ts')
    expect(packages(loaded)).toEqual([])
    expect(loaded).not.toContain('node:sqlite')
  })

  it('sees packages where there are some', () => {
    expect(packages(loadedBy('config', 'path')).some((path) => path.startsWith('node_modules/zod/'))).toBe(true)
  })
})
