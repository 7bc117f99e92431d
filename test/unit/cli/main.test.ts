import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, describe, expect, it } from 'vitest'
import { EXIT, errorText, exitCodeOf, exitCodeOfRun } from '../../../src/cli/exit-codes.ts'
import { main } from '../../../src/cli/main.ts'
import { SignalboxError } from '../../../src/protocols/errors.ts'
import { captured, type FakeIo, fakeIo, runSummary } from './fakes.ts'

const directory = mkdtempSync(join(tmpdir(), 'signalbox-cli-'))
afterAll(() => rmSync(directory, { recursive: true }))
writeFileSync(join(directory, 'bad.yaml'), 'lanes: { a: { comands: [x] } }')
writeFileSync(join(directory, 'good.yaml'), 'lanes: { a: { commands: ["true"] } }')

const run = async (...argv: string[]): Promise<{ code: number; io: FakeIo }> => {
  const io = fakeIo({ cwd: directory })
  return { code: await main(argv, io), io }
}

describe('the command line', () => {
  it('prints version and help on stdout', async () => {
    const version = await run('--version')
    expect(version.code).toBe(0)
    expect(version.io.out.text()).toMatch(/^\d+\.\d+\.\d+\n$/)
    const help = await run('help', 'run')
    expect(help.code).toBe(0)
    expect(help.io.out.text()).toContain('--parallel')
  })

  it.each([
    [['rum'], '; did you mean run?'],
    [['run', '--plian', 'x'], '; did you mean --plain?'],
    [['run'], "missing required argument 'plan'"],
    [['run', 'x', 'y'], 'too many arguments'],
    [['run', '--keep', 'some', 'x'], 'never, failed, always'],
    [['run', '--keep'], '--keep needs a value'],
    [['run', '--keep', '--json', 'x'], '--keep needs a value'],
    [['run', '--json=yes', 'x'], '--json takes no value'],
    [['run', 'x', '--keep=nevr'], '; did you mean never?'],
    [['config', 'explian'], '; did you mean explain?'],
    [['config', '--json'], 'unknown option'],
    [['confg', 'path'], '; did you mean config?'],
    [['--versoin'], '; did you mean --version?'],
    [['completion', 'tcsh'], 'bash, zsh, fish'],
    [['run', '--set', 'lanes.plaec=inside', 'x'], 'did you mean lanes.place?'],
    [['run', '--set', 'lanes.place', 'x'], 'write --set lanes.place=VALUE'],
    [['run', '--set', 'run.parallel=many', 'x'], '--set run.parallel: run.parallel is "many"; it must be a whole number'],
    [[''], "unknown command ''"],
    [['run', '--parallel', '0', 'x'], 'whole number'],
    [['run', '--parallel', '1e3', 'x'], 'whole number'],
  ])('%j is wrong usage: 2', async (argv, text) => {
    const { code, io } = await run(...argv)
    expect(code).toBe(EXIT.usage)
    expect(io.err.text()).toMatch(/^signalbox: /)
    expect(io.err.text()).toContain(text)
    expect(io.err.text()).toMatch(/next: .*signalbox (help|config explain)/)
    expect(io.out.text()).toBe('')
  })

  it('without a command prints help on stderr: 2', async () => {
    const { code, io } = await run()
    expect(code).toBe(EXIT.usage)
    expect(io.err.text()).toContain('Usage: signalbox')
  })

  it('a plan that is wrong: 2, one that is not there: 3, no repository: 3; each with what to do next', async () => {
    const wrong = await run('run', 'bad.yaml')
    expect(wrong.code).toBe(EXIT.usage)
    expect(wrong.io.err.text()).toMatch(/^signalbox: bad\.yaml:1:15: unknown key "comands"; did you mean "commands"\?\nnext: /)
    const missing = await run('run', 'no.yaml')
    expect(missing.code).toBe(EXIT.notFound)
    expect(missing.io.err.text()).toMatch(/\nnext: Check the path of the plan\.\n$/)
    const outside = await run('run', 'good.yaml')
    expect(outside.code).toBe(EXIT.notFound)
    expect(outside.io.err.text()).toContain('next: Change to a git repository')
    expect((await run('why', 'a')).code).toBe(EXIT.notFound)
    expect((await run('runs')).code).toBe(EXIT.notFound)
  })

  it('says so when the output cannot be written, and is quiet when nobody reads it any more', async () => {
    const failing = (code: string) =>
      new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(`${code}: no`), { code })) })
    const full = { ...fakeIo({ cwd: directory }), out: failing('ENOSPC') }
    expect(await main(['--version'], full)).toBe(EXIT.environment)
    expect(await main(['help'], { ...fakeIo({ cwd: directory }), out: failing('ENOSPC') })).toBe(EXIT.environment)
    expect(full.err.text()).toContain('could not be written: ENOSPC')
    const gone = { ...fakeIo({ cwd: directory }), out: failing('EPIPE') }
    expect(await main(['help'], gone)).toBe(EXIT.ok)
    expect(gone.err.text()).toBe('')
  })

  it('shows the help of a command, of a group, and of all; only what was asked for goes to stdout', async () => {
    const group = await run('help', 'config')
    expect(group.code).toBe(EXIT.ok)
    expect(group.io.out.text()).toMatch(/^Usage: signalbox config <command>[\s\S]*config explain \[setting\]/)
    expect((await run('config', 'path', '--help')).io.out.text()).toMatch(/^Usage: signalbox config path/)
    const bare = await run('config')
    expect(bare.code).toBe(EXIT.usage)
    expect(bare.io.err.text()).toBe(group.io.out.text())
    expect((await run('help')).io.out.text()).not.toMatch(/^ {2}complete /m)
  })
})

describe('an error', () => {
  const long = ['run', `${'of a plan that is not there '.repeat(5)}.yaml`]

  it('is broken between words on a screen, and stays a line elsewhere', async () => {
    const err = captured({ isTTY: true, columns: 40 })
    const [narrow, piped] = [fakeIo({ cwd: directory }), fakeIo({ cwd: directory })]
    expect([await main(long, { ...narrow, err }), await main(long, piped)]).toEqual([EXIT.notFound, EXIT.notFound])
    expect(piped.err.text().split('\n')).toHaveLength(3)
    const lines = err.text().split('\n')
    expect(lines.length).toBeGreaterThan(4)
    for (const line of lines) expect(line.length <= 40 || !line.includes(' ')).toBe(true)
    expect(lines.join(' ').trim()).toBe(piped.err.text().replace(/\s+/gu, ' ').trim())
  })
})

describe('exit codes', () => {
  it.each([
    ['ERR_PLAN_CYCLE', EXIT.usage],
    ['ERR_RUN_NOT_FOUND', EXIT.notFound],
    ['ERR_GIT_MISSING', EXIT.environment],
    ['ERR_EXEC_HELPER_MISSING', EXIT.environment],
    ['ERR_RUN_INTERRUPTED', EXIT.interrupted],
    ['ERR_ACTOR_FENCED', EXIT.failed],
  ] as const)('%s is %d', (code, exit) => expect(exitCodeOf(new SignalboxError(code, 'x'))).toBe(exit))

  it('of a run say whether every lane succeeded', () => {
    expect(exitCodeOfRun(runSummary())).toBe(0)
    expect(exitCodeOfRun(runSummary({ ok: false, outcome: 'failed' }))).toBe(1)
    expect(exitCodeOfRun(runSummary({ ok: false, outcome: 'interrupted' }))).toBe(130)
  })

  it('of what nobody expected is 1, with the stack only on request', () => {
    expect(exitCodeOf(new Error('x'))).toBe(1)
    expect(errorText(new Error('boom'), false)).toBe('signalbox: unexpected: boom\nnext: Report this, with what SIGNALBOX_DEBUG=1 shows.\n')
    expect(errorText(new Error('boom'), true)).toContain('main.test.ts')
    expect(errorText('text', true)).toContain('unexpected: text')
  })
})
