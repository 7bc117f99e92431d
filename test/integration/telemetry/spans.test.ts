import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { context, type Context, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { composeRuntime } from '../../../src/runtime/runtime.ts'
import { makeWorld, until, type World } from '../run/run-kit.ts'

const exporter = new InMemorySpanExporter()
/** Where a test is at. */
let active: Context = ROOT_CONTEXT
const worlds: World[] = []
const world = async (): Promise<World> => {
  const made = await makeWorld()
  worlds.push(made)
  return made
}

beforeEach(() => {
  exporter.reset()
  active = ROOT_CONTEXT
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  context.setGlobalContextManager({
    active: () => active,
    with: (_context, call, that, ...args) => call.apply(that, args),
    bind: (_context, target) => target,
    enable() {
      return this
    },
    disable() {
      return this
    },
  })
})
afterEach(async () => {
  for (const each of worlds.splice(0)) await each.end()
  trace.disable()
  context.disable()
})

const span = (name: string, index = 0): ReadableSpan => {
  const found = exporter.getFinishedSpans().filter((one) => one.name === name)[index]
  if (found === undefined) throw new Error(`no span ${name}, ${index}`)
  return found
}
const parentOf = (one: ReadableSpan): string | undefined => one.parentSpanContext?.spanId
const idOf = (one: ReadableSpan): string => one.spanContext().spanId
const msOf = ([seconds, nanos]: readonly [number, number]): number => seconds * 1_000 + nanos / 1e6

describe('spans', () => {
  it('of a run, its lanes and each attempt of a command: one trace, each within its parent, with exits and restarts', async () => {
    const { runtime } = await world()
    const outer = trace.getTracer('test').startSpan('outer')
    active = trace.setSpan(ROOT_CONTEXT, outer)
    const summary = await runtime.run({
      lanes: {
        good: { commands: [{ name: 'say', run: ['/bin/sh', '-c', 'echo hello', '--token', 'abcdefgh'] }] },
        bad: {
          commands: [
            { name: 'fail', run: 'exit 3', restart: 'transient', intensity: { restarts: 1, withinMs: 60_000 }, backoff: { minMs: 1 } },
          ],
        },
      },
    })
    outer.end()
    expect(summary.outcome).toBe('failed')
    const [run, good, bad] = [span('run'), span('lane good'), span('lane bad')]
    const [say, first, second] = [span('command say'), span('command fail'), span('command fail', 1)]
    expect(exporter.getFinishedSpans()).toHaveLength(7)
    expect([run, good, bad, say, first, second].map(parentOf)).toEqual(
      [outer, run, run, good, bad, bad].map((one) => ('name' in one ? idOf(one as ReadableSpan) : one.spanContext().spanId)),
    )
    expect(new Set(exporter.getFinishedSpans().map((one) => one.spanContext().traceId)).size).toBe(1)
    for (const [inner, around] of [
      [good, run],
      [say, good],
      [second, bad],
    ] as const) {
      expect(msOf(inner.startTime)).toBeGreaterThanOrEqual(msOf(around.startTime))
      expect(msOf(inner.endTime)).toBeLessThanOrEqual(msOf(around.endTime))
    }
    expect(say.attributes).toMatchObject({
      'signalbox.run.id': summary.runId,
      'signalbox.lane.name': 'good',
      'signalbox.command.name': 'say',
      'signalbox.attempt': 1,
      'process.pid': expect.any(Number),
      'process.command': '/bin/sh',
      'process.command_args': ['/bin/sh', '-c', 'echo hello', '--token', '[masked]'],
      'process.working_directory': expect.stringContaining('good-'),
      'process.exit.code': 0,
      'signalbox.output_bytes': 7,
    })
    expect(say.status.code).toBe(SpanStatusCode.UNSET)
    expect([first, second].map(({ attributes }) => [attributes['signalbox.attempt'], attributes['process.exit.code']])).toEqual([
      [1, 3],
      [2, 3],
    ])
    expect(second.status).toEqual({ code: SpanStatusCode.ERROR, message: 'exit code 3' })
    expect(bad.events.map(({ attributes }) => attributes?.['signalbox.decision'])).toEqual(['restart', 'escalate'])
    expect(bad.status.code).toBe(SpanStatusCode.ERROR)
    expect(good.attributes['signalbox.outcome']).toBe('succeeded')
    expect(run.status).toEqual({ code: SpanStatusCode.ERROR, message: 'bad' })
  })

  it('of what cannot start, is stopped or is ended by a signal say how', async () => {
    const { runtime } = await world()
    await runtime.run({
      lanes: {
        a: { commands: [{ name: 'none', run: ['/no/such/program'] }] },
        b: { commands: [{ name: 'shot', run: 'kill -SEGV $$' }] },
        c: {
          commands: [
            { name: 'server', run: ['sleep', '1000'], restart: 'permanent', graceMs: 2_000 },
            { name: 'job', run: 'true' },
          ],
        },
      },
    })
    expect(span('command none').attributes['error.type']).toBe('ERR_PTY_COMMAND_NOT_FOUND')
    expect(span('command shot').attributes).toMatchObject({ 'signalbox.signal': 'SIGSEGV', 'error.type': 'signal' })
    expect(span('command shot').attributes).not.toHaveProperty('process.exit.code')
    expect(span('command server').status.code).toBe(SpanStatusCode.UNSET)
    expect(span('command server').attributes['signalbox.signal']).toBe('SIGTERM')
  })

  it('of a lane of its own and its terminals; what goes on when the runtime is closed is said to be unfinished', async () => {
    const { runtime } = await world()
    const lane = await runtime.lanes.create({ name: 'own' })
    await runtime.terminals.spawn({ laneId: lane.id, name: 'job', command: 'true' }, 'a test')
    await until('it has ended', () => exporter.getFinishedSpans().some(({ name }) => name === 'command job'))
    await runtime.lanes.remove(lane.id, 'a test')
    expect(parentOf(span('command job'))).toBe(idOf(span('lane own')))
    await runtime.lanes.create({ name: 'other' })
    await runtime.close()
    expect(span('lane other').attributes).toMatchObject({ 'signalbox.outcome': 'unfinished' })
  })

  it('are not made twice where two processes share a repository: each makes those of what it began', async () => {
    const { runtime, repo, stateHome } = await world()
    await using other = await composeRuntime({ workspace: repo.root, stateHome })
    await runtime.run({ lanes: { a: { commands: ['true'] } } })
    // What the other one runs itself brings it what it has missed.
    await other.run({ lanes: { b: { commands: ['true'] } } })
    expect(
      exporter
        .getFinishedSpans()
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(['run', 'run', 'lane a', 'lane b', 'command true', 'command true'].toSorted())
  })

  it('cost nothing where no provider is registered: the API is not even loaded', async () => {
    const { repo, stateHome } = await world()
    const loadedWith = async (before: string): Promise<readonly string[]> => {
      const program = `
        import { registerHooks } from 'node:module'
        const loaded = []
        registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context) } })
        ${before}
        const { startRuntime } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/runtime/runtime.ts'))})
        const runtime = await startRuntime(JSON.parse(process.argv[1]))
        await runtime.close()
        process.stdout.write(JSON.stringify(loaded.filter((url) => url.includes('telemetry'))))`
      const options = JSON.stringify({ workspace: repo.root, stateHome })
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, options], {
        cwd: join(import.meta.dirname, '../../..'),
      })
      return JSON.parse(stdout) as readonly string[]
    }
    expect((await loadedWith('')).map((url) => url.slice(url.lastIndexOf('/') + 1))).toEqual(['open-spans.ts'])
    const registered = await loadedWith(
      "const { trace } = await import('@opentelemetry/api'); trace.setGlobalTracerProvider({ getTracer: () => ({}) })",
    )
    expect(registered.some((url) => url.endsWith('/spans.ts'))).toBe(true)
  })
})
