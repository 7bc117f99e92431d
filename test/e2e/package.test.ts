import { execFile, execFileSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const place = mkdtempSync(join(tmpdir(), 'signalbox-package-'))
const project = join(place, 'project')
const workspace = join(place, 'workspace')

/** The headers of the Node that runs this test, so that node-pty builds without a download. */
const headers = globSync('node_modules/node/node_modules/node-*/include/node/node.h', { cwd: root })[0]
/** What script/setup takes where the user's own cache cannot be written. */
const writable = (directory: string): boolean => {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    return false
  }
}
const ownCache = join(root, '.tmp/npm-cache')
const env: NodeJS.ProcessEnv = {
  ...process.env,
  ...(writable(join(homedir(), '.npm/_cacache')) ? {} : { npm_config_cache: ownCache }),
  PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
  XDG_STATE_HOME: join(place, 'state'),
  ...(headers === undefined ? {} : { npm_config_nodedir: join(place, 'headers') }),
}
const run = async (file: string, args: readonly string[], cwd: string): Promise<string> => {
  const { stdout } = await promisify(execFile)(file, args, { cwd, env, maxBuffer: 1 << 26 })
  return stdout
}

const EXAMPLE = `
import { startRuntime } from 'signalbox'

await using runtime = await startRuntime({ workspace: process.argv[2] })
const summary = await runtime.run({
  lanes: {
    hello: { commands: ['echo hello > greeting && git add greeting && git commit -qm greeting'] },
    broken: { commands: ['exit 3'] },
  },
})
for (const lane of summary.lanes) console.log(lane.name, lane.outcome, lane.commits, lane.commands[0].exitCode)
`

const TYPED = `
import { isSignalboxError, startRuntime, type RunSummary } from 'signalbox'
import { type ActorRef, type Evidence, startSystem, type System, type TraceEvent } from 'signalbox/supervision'
import { checkActor, defineActor, fc, property, type Property } from 'signalbox/testing'

export const outcome = async (workspace: string): Promise<RunSummary['outcome'] | 'refused'> => {
  try {
    await using runtime = await startRuntime({ workspace })
    const { outcome } = await runtime.run({ lanes: {} })
    return outcome
  } catch (error) {
    if (isSignalboxError(error, 'ERR_PLAN_INVALID')) return 'refused'
    throw error
  }
}
type Counting = { add: { message: { n: number }; reply: number } }
const counter = defineActor<Counting, number, null>({
  kind: 'counter',
  init: () => 0,
  on: { add: (_ctx, total, { n }, reply) => (reply(total + n), total + n) },
})
export const positive: Property<number[]> = property('positive', fc.array(fc.nat()), async () => {
  const { problems } = await checkActor(counter, {
    args: () => null,
    messages: fc.record({ n: fc.nat() }).map((message) => ['add', message]),
  })
  return problems.length
})
export const total = (system: System, ref: ActorRef<Counting>): Promise<number> => system.ask(ref, 'add', { n: 1 }, { timeoutMs: 1 })
export const typesOf = (events: TraceEvent[], { history }: Evidence): string[] =>
  [...events.flatMap((event) => (event.what === 'exited' ? [event.exit.reason] : [])), ...history.map(({ type }) => type)]
// @ts-expect-error an engine needs a scheduler, a clock and randomness
void startSystem({ root: { type: 'supervisor', name: 'root', strategy: 'one_for_one' } })
// @ts-expect-error a workspace is needed
void startRuntime({})
`

describe('packed package', () => {
  let files: readonly string[] = []

  beforeAll(async () => {
    // By a link, since gyp cannot take a path with spaces.
    if (headers !== undefined) symlinkSync(join(root, headers, '../../..'), join(place, 'headers'))
    execFileSync(process.execPath, [join(root, 'script/build.ts')], { cwd: root, env })
    const packed = JSON.parse(await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', place], root)) as unknown
    const [{ filename, files: listed }] = Object.values(packed as object) as [{ filename: string; files: { path: string }[] }]
    files = listed.map((file) => file.path)
    mkdirSync(project)
    const manifest = { name: 'project', private: true, type: 'module', allowScripts: { signalbox: true, 'node-pty': true } }
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest))
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(place, filename)], project)
    mkdirSync(workspace)
    for (const args of [
      ['init', '--quiet', '--initial-branch=main'],
      ['config', 'user.name', 'somebody'],
      ['config', 'user.email', 'somebody@example.invalid'],
      ['commit', '--quiet', '--allow-empty', '-m', 'first'],
    ]) {
      execFileSync('git', args, { cwd: workspace })
    }
  }, 240_000)

  afterAll(() => rmSync(place, { recursive: true, force: true }))

  it('holds what runs and nothing else: no tests, no built binary, no sources', () => {
    const needed = [
      'bin/signalbox.js',
      'dist/index.js',
      'dist/index.d.ts',
      'native/build.mjs',
      'native/exec-helper.c',
      'docs/reference/plan.schema.json',
      'docs/reference/config.schema.json',
      'docs/reference/signalbox.1',
      'LICENSE',
    ]
    expect(files).toEqual(expect.arrayContaining(needed))
    expect(
      files.filter(
        (file) =>
          !/^(bin\/|dist\/.*\.(js|d\.ts)$|native\/[\w-]+\.(c|mjs)$|docs\/reference\/((plan|config)\.schema\.json|signalbox\.1)$|LICENSE$|README\.md$|package\.json$)/.test(
            file,
          ),
      ),
    ).toEqual([])
  })

  it('builds its exec helper when it is installed', () => {
    expect(existsSync(join(project, 'node_modules/signalbox/native/build/exec-helper'))).toBe(true)
  })

  it('runs a ten-line example in an empty project: lanes, commits, exit codes', async () => {
    writeFileSync(join(project, 'example.mjs'), EXAMPLE)
    const output = await run(process.execPath, ['example.mjs', workspace], project)
    expect(output.trim().split('\n').sort()).toEqual(['broken failed 0 3', 'hello succeeded 1 0'])
  })

  it('gives its types to a strict TypeScript project', async () => {
    writeFileSync(join(project, 'typed.ts'), TYPED)
    const options = {
      module: 'nodenext',
      target: 'es2024',
      lib: ['es2024', 'esnext.disposable', 'dom'],
      strict: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['typed.ts'] }))
    // Its types speak of Node, so such a project has these.
    mkdirSync(join(project, 'node_modules/@types'), { recursive: true })
    symlinkSync(join(root, 'node_modules/@types/node'), join(project, 'node_modules/@types/node'))
    const output = await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], project).catch(
      (error: unknown) => (error as { stdout: string }).stdout,
    )
    expect(output).toBe('')
  })

  it.each(['plan', 'config'])('exports the schema: %s', async (name) => {
    const code = `import schema from 'signalbox/${name}.schema.json' with { type: 'json' }; console.log(schema.type)`
    expect(await run(process.execPath, ['--input-type=module', '-e', code], project)).toBe('object\n')
  })

  it('exports the test kit, with what it needs [Q-2]', async () => {
    const code = `
      import { checkMachine, fc, property, simulate, worker, defineActor } from 'signalbox/testing'
      const idle = defineActor({ kind: 'idle', init: () => null, on: {} })
      const tree = { type: 'supervisor', name: 'root', strategy: 'one_for_one', children: [worker('a', idle, null)] }
      const { trace } = await simulate({ seed: 1, tree, steps: [] })
      console.log(trace.length, property('p', fc.nat(), () => {}).runs, typeof checkMachine)`
    expect(await run(process.execPath, ['--input-type=module', '-e', code], project)).toBe('4 100 function\n')
  })

  it('exports the supervision engine [SUP-7]', async () => {
    const code = `
      import { defineActor, directScheduler, nactScheduler, named, startSystem, systemClock, systemRandom, worker } from 'signalbox/supervision'
      const echo = defineActor({ kind: 'echo', init: () => null, on: { say: (_ctx, state, { text }, reply) => (reply(text), state) } })
      const root = { type: 'supervisor', name: 'root', strategy: 'one_for_one', children: [worker('echo', echo, null)] }
      for (const scheduler of [directScheduler(), nactScheduler()]) {
        const system = await startSystem({ scheduler, clock: systemClock, random: systemRandom, root })
        console.log(scheduler.name, await system.ask(named('echo'), 'say', { text: 'hello' }, { timeoutMs: 10_000 }))
        await system.stop()
      }`
    expect(await run(process.execPath, ['--input-type=module', '-e', code], project)).toBe('direct hello\nnact hello\n')
  })

  it('exports nothing but its public entry points', async () => {
    const code = "await import('signalbox/dist/kernel/types.js')"
    await expect(run(process.execPath, ['--input-type=module', '-e', code], project)).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
    const manifest = JSON.parse(readFileSync(join(project, 'node_modules/signalbox/package.json'), 'utf8')) as { exports: object }
    expect(Object.keys(manifest.exports)).toEqual([
      '.',
      './supervision',
      './client',
      './testing',
      './plan.schema.json',
      './config.schema.json',
      './package.json',
    ])
    const client = "const { connect } = await import('signalbox/client'); await connect('/none').catch(({ code }) => console.log(code))"
    expect(await run(process.execPath, ['--input-type=module', '-e', client], project)).toBe('ERR_CONTROL_NOT_RUNNING\n')
  })
})
