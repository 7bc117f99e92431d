import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/kernel/child-spec.ts'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { commandOf, eventsOf, type Ground, laneOf, lasting, lines, logOf, makeWorld, marked, noted, until, type World } from './run-kit.ts'

let world: World
let before: Ground

beforeAll(async () => {
  world = await makeWorld()
})
beforeEach(async () => {
  before = await world.ground()
})
afterAll(() => world.end())
afterEach(async () => expect(await world.ground()).toEqual(before))

const quick = { minMs: 5, maxMs: 20, jitter: 0 }
const decisions = (events: readonly RecordedEvent[], command: string): Decision[] =>
  events
    .filter(({ type, payload }) => type === 'supervisor.decided' && payload['command'] === command)
    .map(({ payload }) => payload['decision'] as Decision)
/** Counts its attempts in a note, one line each. */
const counting = (name: string, rest: string): string => `echo x >> "$NOTES/${name}"; n=$(wc -l < "$NOTES/${name}"); ${rest}`
const counted = (name: string): number => lines(readFileSync(join(world.notes, name), 'utf8')).length

describe('a command that is restarted', () => {
  it('recovers when it is transient and fails less often than allowed [SUP-3]', async () => {
    const handle = await world.runtime.start({
      lanes: {
        flaky: {
          commands: [
            {
              name: 'test',
              run: counting('flaky', 'test $n -ge 3 || exit 7'),
              restart: 'transient',
              intensity: { restarts: 3, withinMs: 60_000 },
              backoff: quick,
            },
            { name: 'next', run: 'true' },
          ],
        },
      },
    })
    const summary = await handle.finished
    expect(summary.ok).toBe(true)
    expect(commandOf(summary, 'flaky', 'test')).toMatchObject({ outcome: 'succeeded', attempts: 3, exitCode: 0, reason: null })
    expect(counted('flaky')).toBe(3)
    const events = await eventsOf(handle)
    const restarts = decisions(events, 'test').filter(({ decision }) => decision === 'restart')
    expect(restarts.map(({ restarts: count, allowed }) => [count, allowed])).toEqual([
      [1, { restarts: 3, withinMs: 60_000 }],
      [2, { restarts: 3, withinMs: 60_000 }],
    ])
    expect(restarts[0]?.exit.error?.context).toMatchObject({ exitCode: 7 })
    const attempts = events.filter(({ type }) => type === 'pty.spawned')
    expect(new Set(attempts.map(({ ptyId }) => ptyId)).size).toBe(4)
  })

  it.each([0, 2])('gives up after exactly its %i restarts and fails its lane alone [SUP-4][SUP-8]', async (restarts) => {
    const note = `loop-${restarts}`
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        loop: {
          commands: [
            {
              name: 'crash',
              run: counting(note, 'exit 3'),
              restart: 'transient',
              intensity: { restarts, withinMs: 60_000 },
              backoff: quick,
            },
            { name: 'never', run: `touch "$NOTES/never-${restarts}"` },
          ],
        },
        other: {
          commands: [
            `until [ "$(wc -l < "$NOTES/${note}" 2>/dev/null || echo 0)" -ge ${restarts + 1} ]; do sleep 0.05; done; sleep 0.3; echo alive`,
          ],
        },
      },
    })
    const summary = await handle.finished
    expect(commandOf(summary, 'loop', 'crash')).toMatchObject({ outcome: 'failed', attempts: restarts + 1, exitCode: 3 })
    expect(counted(note)).toBe(restarts + 1)
    expect(commandOf(summary, 'loop', 'crash').reason).toMatch(
      new RegExp(`^gave up after ${restarts + 1} attempts? \\(allowed: ${restarts} restarts within .+\\); last: exit code 3$`, 'u'),
    )
    expect(commandOf(summary, 'loop', 'never')).toMatchObject({ outcome: 'skipped', attempts: 0 })
    expect(existsSync(join(world.notes, `never-${restarts}`))).toBe(false)
    expect(laneOf(summary, 'other')).toMatchObject({ outcome: 'succeeded' })
    const made = decisions(await eventsOf(handle), 'crash').map(({ decision, restarts: count }) => [decision, count])
    expect(made.slice(0, restarts + 1)).toEqual([
      ...Array.from({ length: restarts }, (_, index) => ['restart', index + 1]),
      ['escalate', restarts + 1],
    ])
  })

  it('is restarted also after exit code 0 when it is permanent [SUP-3]', async () => {
    const summary = await world.runtime.run({
      keep: 'never',
      lanes: {
        perm: {
          commands: [
            {
              name: 'srv',
              run: counting('perm', 'if [ $n -ge 3 ]; then while :; do sleep 0.2; done; fi; exit 0'),
              restart: 'permanent',
              intensity: { restarts: 5, withinMs: 60_000 },
              backoff: quick,
            },
            { name: 'work', run: 'until [ "$(wc -l < "$NOTES/perm" 2>/dev/null || echo 0)" -ge 3 ]; do sleep 0.05; done' },
          ],
        },
      },
    })
    expect(summary.ok).toBe(true)
    expect(commandOf(summary, 'perm', 'srv')).toMatchObject({ outcome: 'stopped', attempts: 3 })
  })

  it('fails the lane when it is permanent and gives up, and ends what runs beside it [SUP-4]', async () => {
    const summary = await world.runtime.run({
      keep: 'never',
      lanes: {
        perm: {
          commands: [
            {
              name: 'srv',
              run: counting('perm-fails', 'exit 4'),
              restart: 'permanent',
              intensity: { restarts: 1, withinMs: 60_000 },
              backoff: quick,
            },
            { name: 'work', run: lasting('beside-perm') },
          ],
        },
      },
    })
    expect(laneOf(summary, 'perm').outcome).toBe('failed')
    expect(commandOf(summary, 'perm', 'srv')).toMatchObject({ outcome: 'failed', attempts: 2, exitCode: 4 })
    expect(commandOf(summary, 'perm', 'work').outcome).not.toBe('succeeded')
  })

  it('is not restarted when it is temporary [SUP-3]', async () => {
    const summary = await world.runtime.run({
      keep: 'never',
      lanes: { temp: { commands: [{ name: 'once', run: counting('temp', 'exit 5'), intensity: { restarts: 5, withinMs: 60_000 } }] } },
    })
    expect(commandOf(summary, 'temp', 'once')).toMatchObject({ outcome: 'failed', attempts: 1, exitCode: 5 })
    expect(counted('temp')).toBe(1)
  })

  it('waits twice as long each time, up to the most, as its decisions say [SUP-5]', async () => {
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        slow: {
          commands: [
            {
              name: 'crash',
              run: 'exit 1',
              restart: 'transient',
              intensity: { restarts: 4, withinMs: 60_000 },
              backoff: { minMs: 10, maxMs: 45, jitter: 0 },
            },
          ],
        },
      },
    })
    await handle.finished
    const events = await eventsOf(handle)
    const restarts = decisions(events, 'crash').filter(({ decision }) => decision === 'restart')
    expect(restarts.map(({ delayMs }) => delayMs)).toEqual([10, 20, 40, 45])
    // Not sooner than decided.
    for (const [index, { at }] of events
      .filter(({ type, payload }) => type === 'supervisor.decided' && payload['command'] === 'crash')
      .entries()) {
      const next = events.filter(({ type }) => type === 'pty.spawned')[index + 1]
      const delayMs = restarts[index]?.delayMs
      if (next !== undefined && delayMs !== undefined) expect(next.at - at).toBeGreaterThanOrEqual(delayMs - 2)
    }
  })

  it('shows in the view as backoff with its counters while it waits [SUP-9]', async () => {
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        wait: {
          commands: [
            {
              name: 'crash',
              run: 'echo last words; exit 1',
              restart: 'transient',
              intensity: { restarts: 2, withinMs: 60_000 },
              backoff: { minMs: 60_000, maxMs: 60_000 },
            },
          ],
        },
      },
    })
    const command = () => handle.view().lanes[0]?.commands[0]
    await until('it waits', () => command()?.state === 'backoff')
    expect(command()).toMatchObject({ attempts: 1, restarts: 1, allowed: { restarts: 2 }, exitCode: 1, lastLine: 'last words' })
    handle.stop()
    await handle.finished
  })
})

describe('a command that does not want to end', () => {
  it('is killed after its grace, with what it left in a session of its own [PTY-7]', async () => {
    const handle = await world.runtime.start({
      lanes: {
        stubborn: {
          commands: [
            {
              name: 'daemon',
              restart: 'permanent',
              graceMs: 200,
              run: `trap '' TERM HUP; setsid sh -c 'trap "" TERM HUP; echo $$ > "$NOTES/grandchild"; while :; do sleep 0.2; done' & ${lasting('daemon')}`,
            },
            { name: 'work', run: 'while ! [ -s "$NOTES/grandchild" ] || ! [ -s "$NOTES/daemon" ]; do sleep 0.05; done; echo ready' },
          ],
        },
      },
    })
    const summary = await handle.finished
    expect(summary.ok).toBe(true)
    expect(logOf(summary, 'stubborn', 'work')).toBe('ready\n')
    expect(commandOf(summary, 'stubborn', 'daemon')).toMatchObject({ outcome: 'stopped', signal: 'SIGKILL' })
    const exited = (await eventsOf(handle)).find(({ type, payload }) => type === 'pty.exited' && payload['command'] === 'daemon')
    const grandchild = Number(readFileSync(join(world.notes, 'grandchild'), 'utf8'))
    expect(exited?.payload['survivors']).toContainEqual(expect.objectContaining({ pid: grandchild, endedBy: 'SIGKILL' }))
    expect(exited?.payload['signals']).toContainEqual(expect.objectContaining({ signal: 'SIGTERM', outcome: 'delivered' }))
    expect(marked(world.runtime.workspaceId)).toEqual([])
  })

  it('leaves nothing either when it ends by itself and its child stays [PTY-7]', async () => {
    const summary = await world.runtime.run({
      lanes: {
        leaver: { commands: [{ name: 'leave', run: "setsid sh -c 'while :; do sleep 0.2; done' > /dev/null 2>&1 & sleep 0.2; exit 0" }] },
      },
    })
    expect(summary.ok).toBe(true)
    expect(marked(world.runtime.workspaceId)).toEqual([])
  })
})

describe('stopping a command in time', () => {
  it('gives it its grace to end by itself [PTY-7]', async () => {
    const handle = await world.runtime.start({
      keep: 'never',
      lanes: {
        polite: {
          commands: [
            {
              name: 'srv',
              run: lasting('polite', `trap 'echo bye > "$NOTES/bye"; exit 0' TERM HUP;`),
              restart: 'permanent',
              graceMs: 20_000,
            },
          ],
        },
      },
    })
    await noted(world, 'polite')
    handle.stop()
    const summary = await handle.finished
    expect(existsSync(join(world.notes, 'bye'))).toBe(true)
    expect(commandOf(summary, 'polite', 'srv')).toMatchObject({ outcome: 'stopped', exitCode: 0, signal: null })
  })
})
