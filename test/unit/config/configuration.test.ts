import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { main } from '../../../src/cli/main.ts'
import { parseConfig } from '../../../src/protocols/config-parse.ts'
import { configJsonSchema, DEFAULT_SETTINGS, SETTINGS } from '../../../src/protocols/config.schema.ts'
import { isSignalboxError } from '../../../src/protocols/errors.ts'
import { parsePlan, validatePlan } from '../../../src/protocols/plan-parse.ts'
import { type Configuration, loadConfiguration } from '../../../src/runtime/configuration.ts'
import { fakeIo } from '../cli/fakes.ts'

let base: string
let root: string
let env: NodeJS.ProcessEnv
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'signalbox config — '))
  root = join(base, 'repo')
  mkdirSync(join(root, '.git'), { recursive: true })
  env = { HOME: base, XDG_CONFIG_HOME: join(base, 'xdg') }
})
afterEach(() => rmSync(base, { recursive: true }))

const user = (text: string): void => {
  mkdirSync(join(base, 'xdg/signalbox'), { recursive: true })
  writeFileSync(join(base, 'xdg/signalbox/config.yaml'), text)
}
const repository = (text: string): void => writeFileSync(join(root, 'signalbox.yaml'), text)
const load = (set: readonly string[] = []): Promise<Configuration> => loadConfiguration({ root, env, set })
const problem = async (promise: Promise<unknown>): Promise<{ code: string; message: string }> => {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  return isSignalboxError(error) ? { code: error.code, message: error.message } : { code: 'none', message: String(error) }
}
const from = (configuration: Configuration, key: string) => configuration.explained.find((setting) => setting.key === key)

describe('the configuration', () => {
  it('is the defaults where nothing is given, and the defaults are those of a plan', async () => {
    const { settings, explained, files } = await load()
    expect(settings).toEqual(DEFAULT_SETTINGS)
    expect(explained.every(({ origin }) => origin.kind === 'default')).toBe(true)
    expect(files).toEqual([
      { scope: 'user', path: join(base, 'xdg/signalbox/config.yaml'), found: false },
      { scope: 'repository', path: join(root, 'signalbox.yaml'), found: false },
    ])
    const { keep, parallel, lanes } = validatePlan({ lanes: { a: { commands: ['x'] } } })
    const { graceMs, idleAfterMs, intensity, backoff, limits } = lanes[0]?.commands[0] ?? {}
    expect({ run: { keep, parallel }, command: { graceMs, idleAfterMs, intensity, backoff, limits } }).toEqual({
      run: settings.run,
      command: settings.command,
    })
  })

  it('takes the last of user file, repository file, environment and flag, and knows which', async () => {
    user('run: { parallel: 2, keep: never }\ncommand:\n  graceMs: 100\n  backoff: { minMs: 1 }\n')
    repository('# ours\nrun:\n  parallel: 3\ncommand: { backoff: { maxMs: 7 } }\n')
    env['SIGNALBOX_COMMAND_GRACE_MS'] = '200'
    env['SIGNALBOX_RUN_PARALLEL'] = ''
    const configuration = await load(['command.graceMs=300', 'lanes.branchPrefix=wip/'])
    expect(configuration.settings.run).toEqual({ parallel: 3, keep: 'never' })
    expect(configuration.settings.command.backoff).toEqual({ ...DEFAULT_SETTINGS.command.backoff, minMs: 1, maxMs: 7 })
    expect(from(configuration, 'run.parallel')?.origin).toEqual({
      kind: 'file',
      file: join(root, 'signalbox.yaml'),
      line: 3,
      column: 13,
    })
    expect(from(configuration, 'run.keep')?.origin).toMatchObject({ kind: 'file', line: 1 })
    expect(from(configuration, 'command.graceMs')).toMatchObject({ value: 300, origin: { kind: 'flag', name: '--set command.graceMs' } })
    expect(configuration.settings.lanes.branchPrefix).toBe('wip/')
    expect(from(await load(), 'command.graceMs')).toMatchObject({
      value: 200,
      origin: { kind: 'environment', name: 'SIGNALBOX_COMMAND_GRACE_MS' },
    })
  })

  it.each([
    ['run:\n  paralel: 3\n', 'ERR_CONFIG_UNKNOWN_KEY', ':2:3: unknown key "paralel"; did you mean "parallel"?'],
    ['runn: {}\n', 'ERR_CONFIG_UNKNOWN_KEY', ':1:1: unknown key "runn"; did you mean "run"?'],
    ['run:\n  parallel: many\n', 'ERR_CONFIG_INVALID', ':2:13: run.parallel is "many"; it must be a whole number of lanes from 1 to 1000'],
    ['run: { parallel: 2, parallel: 3 }', 'ERR_CONFIG_INVALID', 'is there twice'],
    ['lanes: { place: somewhere }', 'ERR_CONFIG_INVALID', 'must be beside, inside, or an absolute path'],
    ['lanes: { branchPrefix: "a..b" }', 'ERR_CONFIG_INVALID', 'must be the beginning of a branch name'],
    ['run: { keep: faild }', 'ERR_CONFIG_INVALID', 'did you mean "failed"?'],
    ['metrics: { listen: "0.0.0.0:9464" }', 'ERR_CONFIG_INVALID', 'must be off, or a loopback address and port'],
    ['metrics: { listen: 9464 }', 'ERR_CONFIG_INVALID', 'metrics.listen is "9464"; it must be off, or a loopback address and port'],
    ['metrics: { file: figures.prom }', 'ERR_CONFIG_INVALID', 'must be off, or an absolute path'],
    ['metrics: { file: /tmp/ }', 'ERR_CONFIG_INVALID', 'must be off, or an absolute path'],
    ['metrics: on', 'ERR_CONFIG_INVALID', 'must be a map'],
    ['- a\n', 'ERR_CONFIG_INVALID', 'the configuration is a list; it must be a map of settings'],
    ['run: [', 'ERR_CONFIG_SYNTAX', ':1:'],
    ['__proto__: { a: 1 }', 'ERR_CONFIG_UNKNOWN_KEY', '__proto__'],
    [`x: ${'y'.repeat(100_000)}`, 'ERR_CONFIG_INVALID', 'longer than'],
  ])('refuses %j with its place', async (text, code, message) => {
    repository(text)
    const found = await problem(load())
    expect(found.code).toBe(code)
    expect(found.message).toContain(join(root, 'signalbox.yaml'))
    expect(found.message).toContain(message)
  })

  it('an empty file says nothing', async () => {
    for (const text of ['', '# nothing\n', '$schema: x\n']) {
      repository(text)
      expect((await load()).settings).toEqual(DEFAULT_SETTINGS)
    }
  })

  it('takes true and false of the environment and of flags for what they say', async () => {
    env['SIGNALBOX_TERMINALS_CLIPBOARD'] = 'true'
    expect((await load()).settings.terminals).toMatchObject({ clipboard: true, respawnLost: false })
    const { settings } = await loadConfiguration({ root, env, set: ['terminals.clipboard=false', 'terminals.respawnLost=true'] })
    expect(settings.terminals).toMatchObject({ clipboard: false, respawnLost: true })
    env['SIGNALBOX_TERMINALS_CLIPBOARD'] = 'yes'
    expect(await problem(load())).toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('must be true or false') })
  })

  it('refuses what the environment says wrong, and mistyped names of settings, but no other variable', async () => {
    env['SIGNALBOX_RUN_PARALLEL'] = '0'
    expect(await problem(load())).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringMatching(/^SIGNALBOX_RUN_PARALLEL: run\.parallel is 0; it must/u),
    })
    env = { ...env, SIGNALBOX_RUN_PARALLEL: '1', SIGNALBOX_RUN_PARALEL: '1' }
    expect(await problem(load())).toMatchObject({
      code: 'ERR_CONFIG_UNKNOWN_KEY',
      message: 'SIGNALBOX_RUN_PARALEL: no such setting; did you mean SIGNALBOX_RUN_PARALLEL?',
    })
    // What signalbox sets for its commands, in which signalbox may be called.
    env = {
      SIGNALBOX_LANE: 'a',
      SIGNALBOX_LANE_PATH: '/',
      SIGNALBOX_BRANCH: 'b',
      SIGNALBOX_TERMINAL: 't',
      SIGNALBOX_MARK: 'm',
      SIGNALBOX_DEBUG: '1',
    }
    expect((await load()).settings).toEqual(DEFAULT_SETTINGS)
  })

  it('refuses values of different places that contradict each other, naming both', async () => {
    user('command: { backoff: { maxMs: 10 } }')
    env['SIGNALBOX_COMMAND_BACKOFF_MIN_MS'] = '20'
    const { code, message } = await problem(load())
    expect(code).toBe('ERR_CONFIG_INVALID')
    expect(message).toContain(`20 (SIGNALBOX_COMMAND_BACKOFF_MIN_MS), above maxMs, 10 (${join(base, 'xdg/signalbox/config.yaml')}:1)`)
  })

  it('says of a file that may not be read that it is there', async () => {
    mkdirSync(join(root, 'signalbox.yaml'))
    expect(await problem(load())).toMatchObject({ code: 'ERR_CONFIG_UNREADABLE', message: expect.stringContaining('EISDIR') })
    chmodSync(join(root, 'signalbox.yaml'), 0o755)
  })

  it('ignores an XDG_CONFIG_HOME that is not absolute', async () => {
    env['XDG_CONFIG_HOME'] = 'relative'
    expect((await load()).files[0]?.path).toBe(join(base, '.config/signalbox/config.yaml'))
  })

  it('fills in a plan where it does not say, and only there', () => {
    const defaults = {
      run: { keep: 'always', parallel: 9 },
      command: {
        graceMs: 1,
        idleAfterMs: 7,
        limits: { memoryBytes: 8_000_000, cpus: 0.5, processes: 0, ifMissing: 'run' },
        intensity: { restarts: 5, withinMs: 6 },
        backoff: { minMs: 2, maxMs: 3, jitter: 0, resetAfterMs: 4 },
      },
    } as const
    const plan = parsePlan(
      'lanes: { a: { commands: [x, { run: y, graceMs: 7, intensity: { restarts: 0 } }] } }\nkeep: never',
      'p',
      defaults,
    )
    expect(plan).toMatchObject({ keep: 'never', parallel: 9 })
    expect(plan.lanes[0]?.commands[0]).toMatchObject(defaults.command)
    expect(plan.lanes[0]?.commands[1]).toMatchObject({ ...defaults.command, graceMs: 7, intensity: { restarts: 0, withinMs: 6 } })
    expect(validatePlan({ lanes: { a: { commands: ['x'] } } }, defaults).parallel).toBe(9)
    expect(() => parsePlan('lanes: { a: { commands: [{ run: y, intensity: 3 }] } }', 'p', defaults)).toThrow('intensity')
  })

  it('has an environment name of its own for each setting, and a meaning and a default', () => {
    expect(new Set(SETTINGS.map(({ env: name }) => name)).size).toBe(SETTINGS.length)
    for (const { about, default: usual } of SETTINGS) {
      expect(about).toMatch(/\.$/u)
      expect(usual).toBeDefined()
    }
    expect(configJsonSchema()).toMatchObject({ additionalProperties: false, $id: 'urn:signalbox:config:1' })
    expect(parseConfig('run: { parallel: 2 }', 'x').value).toEqual({ run: { parallel: 2 } })
  })
})

describe('signalbox config', () => {
  const call = async (...argv: string[]) => {
    const io = fakeIo({ cwd: root, env })
    return { code: await main(argv, io), out: io.out.text(), err: io.err.text() }
  }

  it('explains each value, where it comes from and what it means', async () => {
    repository('run: { parallel: 8 }\n')
    env['SIGNALBOX_RUN_KEEP'] = 'always'
    const { code, out } = await call('config', 'explain')
    expect(code).toBe(0)
    expect(out).toContain(`run.parallel = 8   ${join(root, 'signalbox.yaml')}:1\n    Lanes that run at once`)
    expect(out).toContain('run.keep = "always"   $SIGNALBOX_RUN_KEEP\n')
    expect(out).toContain('history.days = 14   default\n')
    const one = await call('config', 'explain', 'command.backoff', '--json')
    const { settings } = JSON.parse(one.out) as { settings: { key: string }[] }
    expect(settings.map(({ key }) => key)).toEqual(['minMs', 'maxMs', 'jitter', 'resetAfterMs'].map((key) => `command.backoff.${key}`))
    expect(await call('config', 'explain', 'lanes.plase')).toMatchObject({
      code: 2,
      err: expect.stringContaining('did you mean "lanes.place"?'),
    })
    expect((await call('config', 'explain', 'run.keep', '--set', 'run.keep=never')).out).toContain('run.keep = "never"   --set run.keep')
  })

  it('shows the files', async () => {
    repository('')
    expect((await call('config', 'path')).out).toBe(
      `user       ${join(base, 'xdg/signalbox/config.yaml')}  (not there)\nrepository ${join(root, 'signalbox.yaml')}\n`,
    )
  })

  it('refuses before anything starts: 2', async () => {
    repository('run: { parallel: 0 }\n')
    expect(await call('run', 'plan.yaml')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/signalbox\.yaml:1:18: run\.parallel is 0/u),
    })
  })
})
