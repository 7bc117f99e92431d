import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/kernel/child-spec.ts'
import type { RunSummary } from '../../../src/protocols/summary.ts'
import { commandOf, makeWorld, type World } from './run-kit.ts'

let world: World
beforeEach(async () => void (world = await makeWorld({ name: 'a repo — mit Lücken' })))
afterEach(() => world.end())

/** Says what the nth attempt of a command is, so that it may differ from the first. */
const attempt = (name: string): string => `n=$(cat "$NOTES/${name}" 2>/dev/null || echo 0); n=$((n+1)); echo $n > "$NOTES/${name}"`
const run = (command: object, plan: object = {}): Promise<RunSummary> =>
  world.runtime.run({ ...plan, keep: 'never', lanes: { a: { commands: [{ name: 'c', ...command }] } } })
const decisions = async (): Promise<Decision[]> =>
  (await world.records()).events
    .filter(({ type, payload }) => type === 'supervisor.decided' && payload['command'] === 'c')
    .map(({ payload }) => payload['decision'] as Decision)
const eager = { intensity: { restarts: 5, withinMs: 60_000 }, backoff: { minMs: 1, maxMs: 2 } }

/** A control group with so much memory; null where that cannot be had. */
const memoryGroup = (bytes: number): { readonly tasks: string; remove(): void } | null => {
  const path = `/sys/fs/cgroup/memory/signalbox-test-${process.pid}`
  try {
    mkdirSync(path)
  } catch {
    return null
  }
  const remove = (): void => rmdirSync(path)
  try {
    writeFileSync(`${path}/memory.limit_in_bytes`, String(bytes))
    return { tasks: `${path}/cgroup.procs`, remove }
  } catch {
    remove()
    return null
  }
}

describe('a command that fails', () => {
  it.each(['transient', 'permanent'])('to authenticate is not tried again, %s or not, and says why [SUP-9]', async (restart) => {
    const command = { run: `printf '\\033[31mInvalid API key\\033[0m · Please run /login\\r\\n'; exit 1`, restart, ...eager }
    const summary = await run(command)
    expect(commandOf(summary, 'a', 'c')).toMatchObject({
      outcome: 'failed',
      attempts: 1,
      reason: 'not restarted; exit code 1: it failed to authenticate ("Invalid API key · Please run /login")',
    })
    expect(await decisions()).toMatchObject([{ decision: 'auto-shutdown', restarts: 0, reason: expect.stringContaining('authenticate') }])
  })

  it('because of a rate limit waits as long as it was told, uncounted, and then succeeds [SUP-4, SUP-9]', async () => {
    const summary = await run({
      run: `${attempt('limit')}; [ $n -ge 3 ] && exit 0; echo "429 Too Many Requests, retry after 0.05 s"; exit 1`,
      restart: 'transient',
      intensity: { restarts: 0, withinMs: 60_000 },
    })
    expect(commandOf(summary, 'a', 'c')).toMatchObject({ outcome: 'succeeded', attempts: 3 })
    expect((await decisions()).slice(0, 2)).toMatchObject([
      { decision: 'wait', delayMs: 50, waits: 1, restarts: 0 },
      { decision: 'wait', delayMs: 50, waits: 2, restarts: 0 },
    ])
  })

  it('because of a rate limit waits so often and not for ever, growing where nothing says how long [SUP-4, SUP-9]', async () => {
    const summary = await run(
      { run: 'echo "usage limit reached"; exit 1', restart: 'transient', classify: { wait: { times: 3 } } },
      { classify: { wait: { minMs: 20, maxMs: 50 } } },
    )
    expect((await decisions()).map(({ decision, delayMs }) => [decision, delayMs])).toEqual([
      ['wait', 20],
      ['wait', 40],
      ['wait', 50],
      ['escalate', 0],
    ])
    expect(commandOf(summary, 'a', 'c')).toMatchObject({
      outcome: 'failed',
      attempts: 4,
      reason: 'gave up after 4 attempts: it was rate-limited ("usage limit reached"); waited 3 times in a row',
    })
  })

  it('because its shell finds no such program is not tried again [SUP-9]', async () => {
    const summary = await run({ run: 'no-such-program-here --now', restart: 'transient', ...eager })
    expect(commandOf(summary, 'a', 'c')).toMatchObject({
      attempts: 1,
      exitCode: 127,
      reason: 'not restarted; exit code 127: it could not be executed (the shell did not find the command)',
    })
  })

  it('because its program is gone at a restart is not tried again [SUP-9]', async () => {
    const summary = await world.runtime.run({
      keep: 'never',
      lanes: {
        a: {
          commands: [
            `printf '#!/bin/sh\\nrm "$0"\\nexit 3\\n' > once; chmod +x once; git add once; git commit -qm once`,
            { name: 'c', run: ['./once'], restart: 'transient', ...eager },
          ],
        },
      },
    })
    expect(commandOf(summary, 'a', 'c')).toMatchObject({ outcome: 'failed', attempts: 2 })
    expect(commandOf(summary, 'a', 'c').reason).toMatch(/^not restarted; There is no command ".\/once"/u)
  })

  it('for another cause is restarted as before, and by the rules of the plan otherwise [SUP-4, SUP-9]', async () => {
    const failing = { run: 'echo "401 Unauthorized"; exit 1', restart: 'transient', ...eager, intensity: { restarts: 1, withinMs: 60_000 } }
    const usual = await run({ ...failing, classify: { usual: false } })
    expect(commandOf(usual, 'a', 'c')).toMatchObject({
      attempts: 2,
      reason: 'gave up after 2 attempts (allowed: 1 restart within 60 s); last: exit code 1',
    })
    const stopped = await run(
      { ...failing, run: 'echo "no room here"; exit 4' },
      { classify: { texts: { memory: ['NO ROOM'] }, decide: { memory: 'stop' } } },
    )
    expect(commandOf(stopped, 'a', 'c')).toMatchObject({ attempts: 1, exitCode: 4 })
  })

  it('never is restarted where it is temporary, and says what it was [SUP-3, SUP-9]', async () => {
    const summary = await run({ run: 'echo "rate limit exceeded"; exit 1' })
    expect(commandOf(summary, 'a', 'c')).toMatchObject({
      attempts: 1,
      reason: 'exit code 1: it was rate-limited ("rate limit exceeded")',
    })
  })

  it('is not one that ends with 0, whatever it says, nor one that is stopped [SUP-9]', async () => {
    const summary = await world.runtime.run({
      keep: 'never',
      lanes: {
        a: {
          commands: [
            { name: 'srv', run: 'echo "401 Unauthorized"; while :; do sleep 0.1; done', restart: 'permanent' },
            { name: 'c', run: 'echo "usage limit reached"', restart: 'transient' },
          ],
        },
      },
    })
    expect(commandOf(summary, 'a', 'c')).toMatchObject({ outcome: 'succeeded', attempts: 1 })
    expect(commandOf(summary, 'a', 'srv')).toMatchObject({ outcome: 'stopped', attempts: 1, reason: null })
  })

  it('by SIGKILL that was not for memory is told so [SUP-9]', async ({ skip }) => {
    const summary = await run({ run: 'kill -9 $$' })
    const { reason } = commandOf(summary, 'a', 'c')
    if (reason?.startsWith('ended by SIGKILL: ') === true) skip('a process was killed for memory meanwhile')
    expect(reason).toBe('ended by SIGKILL, and not by the system for memory')
  })

  it('for memory is told so, and restarted [SUP-9]', async ({ skip }) => {
    const group = memoryGroup(40_000_000)
    if (group === null) return skip('no control group of version 1 for memory')
    try {
      const eat = `${attempt('memory')}; [ $n -ge 2 ] && exit 0; echo $$ > ${group.tasks}; exec python3 -c "x = bytearray(400000000)"`
      const summary = await run({ run: eat, restart: 'transient', ...eager })
      expect(commandOf(summary, 'a', 'c')).toMatchObject({ outcome: 'succeeded', attempts: 2 })
      const [first] = (await world.records()).ptys
      expect(first?.exit).toMatchObject({ signal: 'SIGKILL', finding: { class: 'memory', certain: true } })
    } finally {
      group.remove()
    }
  })

  it('with binary output of any size is told apart all the same [SUP-9]', async () => {
    const summary = await run({ run: 'head -c 300000 /dev/urandom; echo; echo "fatal: Authentication failed for x"; exit 128' })
    expect(commandOf(summary, 'a', 'c').reason).toContain('it failed to authenticate')
  })
})
