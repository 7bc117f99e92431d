import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { EXIT, errorText, exitCodeOf, exitCodeOfRun } from '../../../src/cli/exit-codes.ts'
import { main } from '../../../src/cli/main.ts'
import { SignalboxError } from '../../../src/protocols/errors.ts'
import { type FakeIo, fakeIo, runSummary } from './fakes.ts'

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
    [['run', '--parallel', '0', 'x'], 'whole number'],
    [['run', '--parallel', '1e3', 'x'], 'whole number'],
  ])('%j is wrong usage: 2', async (argv, text) => {
    const { code, io } = await run(...argv)
    expect(code).toBe(EXIT.usage)
    expect(io.err.text()).toMatch(/^signalbox: /)
    expect(io.err.text()).toContain(text)
    expect(io.err.text()).toMatch(/next: signalbox help\n$/)
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
    expect(await main(['--version'], full)).toBe(EXIT.ok)
    expect(await main(['help'], full)).toBe(EXIT.ok)
    await new Promise(setImmediate)
    expect(full.err.text()).toContain('could not be written: ENOSPC')
    const gone = { ...fakeIo({ cwd: directory }), out: failing('EPIPE') }
    expect(await main(['help'], gone)).toBe(EXIT.ok)
    expect(gone.err.text()).toBe('')
  })

  it('loads neither zod nor xstate for help and version', () => {
    const program = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
      const { main } = await import(process.argv[1])
      await main(['--version'])
      await main(['help', 'run'])
      process.stdout.write('\\n' + JSON.stringify(loaded))`
    const entry = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program, entry], { encoding: 'utf8' })
    const loaded = JSON.parse(output.slice(output.lastIndexOf('\n') + 1)) as string[]
    expect(loaded.some((url) => url.includes('/commander/'))).toBe(true)
    expect(loaded.filter((url) => /\/node_modules\/(zod|xstate|yaml|simple-git|node-pty)\//.test(url))).toEqual([])
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
