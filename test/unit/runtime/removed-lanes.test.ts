import { describe, expect, it } from 'vitest'
import type { SavedLane } from '../../../src/ports/recovery.port.ts'
import type { LaneRecord } from '../../../src/protocols/records.ts'
import { createLanes, SAVED_FOR_MS } from '../../../src/runtime/own-lanes.ts'

const NOW = 1_800_000_000_000
const saved = (id: string, savedAt: number): SavedLane => ({
  id,
  name: id,
  savedAt,
  worktree: { path: `/lanes/${id}`, branch: id, baseCommit: 'c' },
  origin: {},
  commits: 0,
  uncommitted: [],
})
const open = (restores: string, state: string): LaneRecord =>
  ({ id: 'ln_x', runId: null, endedAt: null, restores, snapshot: { state }, name: restores }) as unknown as LaneRecord

/** What is saved, and what is forgotten of it. */
const world = (all: readonly SavedLane[], lanes: readonly LaneRecord[] = []) => {
  const forgotten: string[] = []
  const made = createLanes({
    system: { ask: () => Promise.reject(new Error('nobody is asked')), lookup: () => undefined },
    records: { lanes: () => Promise.resolve(lanes) } as never,
    recovery: { list: () => Promise.resolve(all), forget: (id) => Promise.resolve(void forgotten.push(id)) },
    clock: { now: () => NOW },
    newId: () => 'ln_new',
    tree: () => ({}) as never,
    reopen: () => Promise.resolve(),
  })
  return { made, forgotten }
}

describe('lanes that were removed and saved', () => {
  it('are kept for 30 days, and then forgotten at the next start [LN-7]', async () => {
    expect(SAVED_FOR_MS).toBe(30 * 86_400_000)
    const { made, forgotten } = world([
      saved('old', NOW - SAVED_FOR_MS - 1),
      saved('just', NOW - SAVED_FOR_MS),
      saved('ahead', NOW + 1_000),
    ])
    await made.recover()
    expect(forgotten).toEqual(['old'])
    expect((await made.removed()).map(({ id, expiresAt }) => [id, expiresAt - NOW])).toContainEqual(['just', 0])
  })

  it('are never forgotten while the lane is being removed, or brought back, however old [LN-7]', async () => {
    const old = NOW - 2 * SAVED_FOR_MS
    const leaving = { ...open('nothing', 'cleaning'), id: 'a' } as unknown as LaneRecord
    const { made, forgotten } = world([saved('a', old), saved('b', old), saved('c', old)], [leaving, open('b', 'provisioning')])
    await made.recover()
    expect(forgotten).toEqual(['c'])
  })

  it('are forgotten once it is on record that they are back, not while they are being brought back [LN-7]', async () => {
    const back = world([saved('a', NOW)], [open('a', 'ready')])
    await back.made.recover()
    expect(back.forgotten).toEqual(['a'])
    const coming = world([saved('a', NOW)], [open('a', 'provisioning')])
    await coming.made.recover()
    expect(coming.forgotten).toEqual([])
    // neither is offered a second time
    for (const { made } of [back, coming]) expect(await made.removed()).toEqual([])
  })
})
