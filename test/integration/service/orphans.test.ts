import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createProcessTable } from '../../../src/adapters/process-table.ts'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import type { Clock } from '../../../src/ports/clock.port.ts'
import type { OrphanProcess } from '../../../src/protocols/event-payloads.ts'
import type { NewEvent } from '../../../src/protocols/events.ts'
import type { PtyRecord } from '../../../src/protocols/records.ts'
import { Orphans } from '../../../src/runtime/orphans.ts'
import { until } from '../../helpers/cli.ts'

const table = createProcessTable()
let worlds = 0

/** The minute comes when it is told to; what is shorter goes by as it does. */
const makeClock = () => {
  const minutes: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    setTimer(delayMs, fire) {
      if (delayMs < 60_000) return systemClock.setTimer(delayMs, fire)
      minutes.push(fire)
      return { cancel: () => void minutes.splice(minutes.indexOf(fire), 1) }
    },
  }
  return { clock, isSet: () => minutes.length, minute: () => minutes.splice(0).forEach((fire) => fire()) }
}

describe('processes that belong to nobody', () => {
  const children: ChildProcess[] = []
  let found: NewEvent[]
  let records: Map<string, Partial<PtyRecord>>
  let held: Set<string>
  let elsewhere: Set<string>
  let others: boolean
  let looks: number
  let workspace: `ws_${string}`
  let time: ReturnType<typeof makeClock>
  let orphans: Orphans

  beforeEach(() => {
    workspace = `ws_orphans${process.pid}x${(worlds += 1)}`
    found = []
    records = new Map()
    held = new Set()
    elsewhere = new Set()
    others = false
    looks = 0
    time = makeClock()
    orphans = new Orphans({
      clock: time.clock,
      processTable: {
        ...table,
        findByMark: (prefix) => {
          looks += 1
          return table.findByMark(prefix)
        },
      },
      workspaceId: workspace,
      holds: (ptyId) => held.has(ptyId),
      holdsAny: () => held.size > 0,
      record: (ptyId) => Promise.resolve((records.get(ptyId) as PtyRecord | undefined) ?? null),
      hasOthers: () => Promise.resolve(others),
      heldElsewhere: () => Promise.resolve((ptyId) => elsewhere.has(ptyId)),
      tell: (event) => found.push(event),
    })
  })
  afterEach(async () => {
    await orphans.close()
    for (const child of children.splice(0)) child.kill('SIGKILL')
  })

  const start = async (ptyId: string, script = 'exec sleep 1000'): Promise<number> => {
    const child = spawn('/bin/sh', ['-c', script], {
      env: { SIGNALBOX_MARK: `${workspace}/${ptyId}/1` },
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    children.push(child)
    const pid = child.pid ?? 0
    const isReady = async (): Promise<boolean> =>
      (await table.findByMark(`${workspace}/${ptyId}/`)).some((one) => one.pid === pid && one.command.startsWith('sleep'))
    await until('it carries its mark', isReady)
    return pid
  }
  const isGone = (pid: number): boolean => table.identify(pid) === null
  const told = (): readonly OrphanProcess[] => found.flatMap(({ payload }) => payload['processes'] as readonly OrphanProcess[])
  /** The next look, to its end. */
  const minute = async (): Promise<void> => {
    await until('the next look is due', () => time.isSet() === 1)
    time.minute()
    await until('it is over', () => time.isSet() === 1)
  }

  it('are ended and told of at the start, those of a terminal that goes on are left [PTY-15]', async () => {
    held.add('pt_held')
    records.set('pt_over', { lane: 'a', command: 'test', endedAt: 5 })
    records.set('pt_lost', { lane: 'a', command: 'lost', endedAt: null })
    const mine = await start('pt_held')
    const orphaned = [await start('pt_over'), await start('pt_none'), await start('pt_lost', 'trap "" TERM HUP; exec sleep 1000')]
    orphans.begin()
    await until('they are ended', () => orphaned.every(isGone), 10_000)
    await until('that is told', () => told().length >= 3)
    expect(isGone(mine)).toBe(false)
    const of = (pid: number | undefined) => told().find((one) => one.pid === pid)
    expect(of(orphaned[0])).toEqual({ pid: orphaned[0], command: 'sleep 1000', of: 'a/test', endedBy: 'SIGTERM' })
    expect(of(orphaned[1])).toMatchObject({ of: null, endedBy: 'SIGTERM' })
    expect(of(orphaned[2])).toMatchObject({ of: 'a/lost', endedBy: 'SIGKILL' })
  })

  it('are found by the look of the next minute, also where they were daemons [PTY-15]', async () => {
    held.add('pt_held')
    orphans.begin()
    await minute()
    expect(found).toEqual([])
    records.set('pt_over', { lane: 'a', command: 'test', endedAt: 5 })
    const leader = await start('pt_over', 'setsid sleep 1000 & exec sleep 999')
    await until('its daemon runs', async () => (await table.findByMark(`${workspace}/pt_over/`)).length === 2)
    process.kill(leader, 'SIGKILL')
    await until(
      'the daemon alone is left',
      async () => (await table.findByMark(`${workspace}/pt_over/`)).map(({ command }) => command).join() === 'sleep 1000',
    )
    const [daemon] = await table.findByMark(`${workspace}/pt_over/`)
    await minute()
    await until('it is ended', () => isGone(daemon?.pid ?? 0), 10_000)
    await until('that is told', () => told().length === 1)
    expect(told()).toMatchObject([{ pid: daemon?.pid, of: 'a/test' }])
  })

  it('are not those of others who work here, but for what their records say is over [PTY-15]', async () => {
    others = true
    records.set('pt_theirs', { lane: 'b', command: 'x', endedAt: null })
    records.set('pt_over', { lane: 'b', command: 'y', endedAt: 5 })
    const theirs = [await start('pt_theirs'), await start('pt_none'), await start('git-of-1')]
    const over = await start('pt_over')
    orphans.begin()
    await until('what is over is ended', () => isGone(over), 10_000)
    await minute()
    expect(theirs.map(isGone)).toEqual([false, false, false])
    expect(told().map(({ pid }) => pid)).toEqual([over])
  })

  it('are not those that a terminal host holds to which this process is not connected [PTY-15]', async () => {
    records.set('pt_over', { lane: 'a', command: 'test', endedAt: 5 })
    elsewhere.add('pt_over')
    const pid = await start('pt_over')
    orphans.begin()
    await minute()
    expect(isGone(pid)).toBe(false)
    elsewhere.clear()
    await minute()
    expect(isGone(pid)).toBe(true)
  })

  it('are not looked for while there can be none [PTY-15]', async () => {
    orphans.begin()
    await minute()
    expect(looks).toBe(1)
    for (let minutes = 0; minutes < 5; minutes += 1) await minute()
    expect(looks).toBe(1)
    orphans.noteStart()
    await minute()
    expect(looks).toBe(2)
    held.add('pt_held')
    await minute()
    await minute()
    expect(looks).toBe(4)
    held.clear()
    others = true
    await minute()
    expect(looks).toBe(5)
  })

  it('a look that fails is no last one, and a close ends them [PTY-15]', async () => {
    records.set('pt_over', { lane: 'a', command: 'test', endedAt: 5 })
    let failures = 1
    const failing = new Orphans({
      clock: time.clock,
      processTable: {
        ...table,
        findByMark: (prefix) => (failures-- > 0 ? Promise.reject(new Error('no descriptors')) : table.findByMark(prefix)),
      },
      workspaceId: workspace,
      holds: () => false,
      holdsAny: () => false,
      record: (ptyId) => Promise.resolve((records.get(ptyId) as PtyRecord | undefined) ?? null),
      hasOthers: () => Promise.resolve(false),
      heldElsewhere: () => Promise.resolve(() => false),
      tell: (event) => found.push(event),
    })
    const over = await start('pt_over')
    failing.begin()
    failing.begin()
    await minute()
    await until('it is ended', () => isGone(over), 10_000)
    await until('that is told', () => told().length === 1)
    await failing.close()
    expect(time.isSet()).toBe(0)
  })
})
