import { mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SeededScheduler } from '../../../src/adapters/schedulers/seeded-scheduler.adapter.ts'
import type { Decision } from '../../../src/kernel/child-spec.ts'
import type { Evidence } from '../../../src/kernel/history.ts'
import type { ExitedActor } from '../../../src/kernel/types.ts'
import type { ProcessTable } from '../../../src/ports/process-table.port.ts'
import type { Pty, TerminalHost } from '../../../src/ports/terminal-host.port.ts'
import type { CrashDossier } from '../../../src/protocols/dossier.ts'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { readDossiers } from '../../../src/runtime/crashes/dossier-files.ts'
import { Dossiers } from '../../../src/runtime/crashes/dossiers.ts'
import { createLocate } from '../../../src/runtime/locate.ts'

const IDENTITY = { pid: 42, startTime: '1', bootId: 'b' }
const actor = (name: string, patch: Partial<ExitedActor> = {}): ExitedActor => ({
  name,
  incarnation: 1,
  kind: 'probe',
  exit: { reason: 'crashed', error: { code: 'ERR_UNKNOWN', message: 'boom with TOKEN=abcdef', context: { password: 'x' } } },
  ...patch,
})
const decided = (child: string): Decision => ({
  supervisor: 'root',
  child,
  incarnation: 1,
  exit: { reason: 'crashed' },
  decision: 'restart',
  restarts: 1,
  waits: 0,
  reason: null,
  allowed: { restarts: 3, withinMs: 100 },
  delayMs: 5,
  group: [],
})

describe('dossiers', () => {
  let directory: string
  let world: SeededScheduler
  let usage: number
  const heard = new Set<(event: RecordedEvent) => void>()
  const listen = (listener: (event: RecordedEvent) => void) => {
    heard.add(listener)
    return () => void heard.delete(listener)
  }
  let sequence = 0
  const publish = (type: string, payload: Record<string, unknown>): void => {
    const ids = { runId: 'rn_1', laneId: 'ln_1', terminalId: 'tm_1', ptyId: 'pt_1' } as const
    sequence += 1
    for (const tell of heard) tell({ sequence, topicSequence: sequence, workspaceId: 'ws_1', type, at: 1, ...ids, payload })
  }
  const make = (): Dossiers => {
    const processTable = { usage: () => ({ rssBytes: (usage += 1), peakRssBytes: 9, cpuMs: 3, fds: 4 }) } as unknown as ProcessTable
    const terminals = { get: () => ({ identity: IDENTITY }) as Pty } as unknown as TerminalHost
    return new Dossiers({ directory, clock: world.clock, processTable, terminals, listen, own: IDENTITY, locate: createLocate(listen) })
  }
  const written = (): Promise<readonly CrashDossier[]> => readDossiers(directory)

  beforeEach(() => {
    directory = join(mkdtempSync(join(tmpdir(), 'signalbox-dossiers-')), 'crashes')
    world = new SeededScheduler(1)
    usage = 0
    heard.clear()
  })
  afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }))

  it('hold what it was handling, its state and last 20 messages, and the decision with its counters, without secrets [SUP-9]', async () => {
    const dossiers = make()
    const history = Array.from({ length: 30 }, (_, n) => ({ at: n, type: 't', from: null, message: { n }, lane: 'user' as const }))
    const evidence = (): Evidence => ({
      handling: { type: 'add', from: 'b$1', message: { apiKey: 'k', n: 1 } },
      state: { total: 3, env: { A: 'secret' } },
      history,
    })
    dossiers.exited(actor('a', { evidence }))
    dossiers.decided(decided('a'))
    await dossiers.close()
    const [found] = await written()
    expect(found).toMatchObject({
      actor: { name: 'a', incarnation: 1, kind: 'probe' },
      exit: { error: { message: 'boom with TOKEN=[masked]', context: { password: '[masked]' } } },
      handling: { type: 'add', from: 'b$1', message: { apiKey: '[masked]', n: 1 } },
      state: { total: 3, env: { A: '[masked]' } },
      decision: { supervisor: 'root', decision: 'restart', restarts: 1, allowed: { restarts: 3, withinMs: 100 }, delayMs: 5 },
      process: null,
      resources: { orchestrator: { peakRssBytes: 9 } },
      lost: 0,
    })
    expect(found?.history.map(({ message }) => message)).toEqual(Array.from({ length: 20 }, (_, n) => ({ n: n + 10 })))
  })

  it('hold the process behind a terminal, what it said last and what it used when last seen [SUP-9]', async () => {
    const dossiers = make()
    const of = { lane: 'l', command: 'c', attempt: 1 }
    publish('pty.state-changed', of)
    publish('pty.spawned', { ...of, pid: 42, argv: ['x', '--token', 'abc'], cwd: '/w' })
    await world.advance(4_500)
    publish('pty.exited', { ...of, exitCode: 3, signal: null, lastLines: ['PASSWORD=hunter2'], outputBytes: 5, log: '/log', durationMs: 9 })
    dossiers.exited(actor('pty:tm_1', { kind: 'pty' }))
    await dossiers.close()
    expect(await written()).toMatchObject([
      {
        runId: 'rn_1',
        lane: 'l',
        command: 'c',
        decision: null,
        process: {
          pid: 42,
          argv: ['x', '--token', '[masked]'],
          exitCode: 3,
          lastLines: ['PASSWORD=[masked]'],
          usage: { rssBytes: 2, peakRssBytes: 9, cpuMs: 3, fds: 4 },
        },
      },
    ])
  })

  it('are written of ends that are not clean; of a supervisor only if it crashed itself [SUP-9]', async () => {
    const dossiers = make()
    for (const reason of ['normal', 'shutdown', 'handover', 'escalated'] as const) dossiers.exited(actor(reason, { exit: { reason } }))
    for (const reason of ['init_failed', 'killed', 'escalated', 'timeout'] as const)
      dossiers.exited(actor(`s-${reason}`, { kind: 'supervisor', exit: { reason } }))
    for (const reason of ['init_failed', 'killed', 'timeout', 'crashed'] as const) dossiers.exited(actor(reason, { exit: { reason } }))
    await dossiers.close()
    expect((await written()).map((one) => one.actor.name).toSorted()).toEqual(['crashed', 'init_failed', 'killed', 's-timeout', 'timeout'])
  })

  it('are written without a decision where none comes [SUP-9]', async () => {
    const dossiers = make()
    dossiers.exited(actor('a'))
    await world.advance(1_000)
    await dossiers.close()
    expect(await written()).toMatchObject([{ decision: null }])
  })

  it('count what they cannot take in a storm, without looking at it [SUP-9]', async () => {
    const dossiers = make()
    let looks = 0
    const evidence = (): Evidence => {
      looks += 1
      return { handling: null, state: null, history: [] }
    }
    for (let n = 0; n < 1_000; n += 1) dossiers.exited(actor(`a${n}`, { evidence }))
    expect(looks).toBe(100)
    await dossiers.close()
    const all = await written()
    expect(all).toHaveLength(100)
    expect(all.reduce((sum, { lost }) => sum + lost, 0)).toBe(900)
  })

  it('that cannot be written are counted, and told of when writing works again [SUP-9]', async () => {
    writeFileSync(directory, 'a file where the directory should be')
    const dossiers = make()
    for (const name of ['a', 'b']) dossiers.exited(actor(name))
    await dossiers.close()
    unlinkSync(directory)
    dossiers.exited(actor('c'))
    await dossiers.close()
    expect(await written()).toMatchObject([{ actor: { name: 'c' }, lost: 2 }])
    expect(readdirSync(directory)).toHaveLength(1)
  })
})
