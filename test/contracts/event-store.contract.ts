import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Commit, EventStore } from '../../src/ports/event-store.port.ts'
import type { NewEvent } from '../../src/protocols/events.ts'
import type { LaneId, PtyId, RunId, TerminalId, WorkspaceId } from '../../src/protocols/ids.ts'

/** A store under test, and how to get rid of what it made. */
export type StoreUnderTest = { readonly store: EventStore; dispose(): Promise<void> }

export const WORKSPACE: WorkspaceId = 'ws_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ'
const RUN_A: RunId = 'rn_01J9ZC3K6Q4WZP2J9ZC3K6Q4WA'
const RUN_B: RunId = 'rn_01J9ZC3K6Q4WZP2J9ZC3K6Q4WB'
const LANE: LaneId = 'ln_01J9ZC3K6Q4WZP2J9ZC3K6Q4WA'
const TERMINAL: TerminalId = 'tm_01J9ZC3K6Q4WZP2J9ZC3K6Q4WA'
const PTY: PtyId = 'pt_01J9ZC3K6Q4WZP2J9ZC3K6Q4WA'

export const event = (type: string, more: Partial<NewEvent> = {}): NewEvent => ({ type, at: 1_000, payload: {}, ...more })
const sequences = (events: readonly { sequence: number }[]): number[] => events.map(({ sequence }) => sequence)
const upTo = (count: number, from = 1): number[] => Array.from({ length: count }, (_, index) => from + index)

/** Every implementation of the port EventStore must pass this. */
export const eventStoreContract = (name: string, make: () => Promise<StoreUnderTest>): void => {
  describe(`event store: ${name}`, () => {
    let made: StoreUnderTest
    let store: EventStore
    beforeEach(async () => {
      made = await make()
      store = made.store
    })
    afterEach(async () => {
      await store.close()
      await made.dispose()
    })

    it('numbers events from 1 without gaps, in the order of the calls [BUS-3]', async () => {
      const calls = upTo(20).map((n) => store.commit({ events: [event(`n${n}.happened`), event(`n${n}.ended`)] }))
      const stored = (await Promise.all(calls)).flat()
      expect(sequences(stored)).toEqual(upTo(40))
      expect(sequences(await store.events({}))).toEqual(upTo(40))
      expect((await store.events({})).map(({ type }) => type)).toEqual(upTo(20).flatMap((n) => [`n${n}.happened`, `n${n}.ended`]))
    })

    it('returns an event as it is stored, with all ids and its payload [BUS-1]', async () => {
      const full = event('pty.spawned', {
        at: 1_723_456_789_012.5,
        runId: RUN_A,
        laneId: LANE,
        terminalId: TERMINAL,
        ptyId: PTY,
        correlationId: 'cor_1',
        causationId: '17',
        payload: { text: 'Grüße, 世界 \u0000 "\'\n\ud83d\ude00', list: [1, null, { deep: true }], negative: -1.5e-7, '': 'empty key' },
      })
      const [stored] = await store.commit({ events: [full] })
      expect(stored).toEqual({ ...full, sequence: 1, topicSequence: 1, workspaceId: WORKSPACE })
      expect(await store.events({})).toEqual([stored])
    })

    it('leaves out ids that an event does not have, and undefined values', async () => {
      const [stored] = await store.commit({ events: [event('run.started', { payload: { gone: undefined, here: 1 } })] })
      expect(Object.keys(stored ?? {}).toSorted()).toEqual(['at', 'payload', 'sequence', 'topicSequence', 'type', 'workspaceId'])
      const [read] = await store.events({})
      expect(Object.keys(read ?? {}).toSorted()).toEqual(['at', 'payload', 'sequence', 'topicSequence', 'type', 'workspaceId'])
      expect(read?.payload).toStrictEqual({ here: 1 })
      expect(stored?.payload).toStrictEqual({ here: 1 })
    })

    it('takes a commit at the call: later changes of its objects do not reach the store', async () => {
      const payload = { list: ['before'] }
      const events = [event('a.b', { payload })]
      const pending = store.commit({ events, records: [{ kind: 'lane', id: 'l', value: payload }] })
      payload.list.push('after')
      events.push(event('c.d'))
      expect((await pending)[0]?.payload).toEqual({ list: ['before'] })
      expect(await store.events({})).toHaveLength(1)
      expect((await store.record('lane', 'l'))?.value).toEqual({ list: ['before'] })
    })

    it('gives out copies: changing what was read does not change the store', async () => {
      await store.commit({ events: [event('a.b', { payload: { list: [1] } })], records: [{ kind: 'lane', id: 'l', value: { list: [1] } }] })
      const spoil = (value: unknown): unknown => ((value as { list: number[] }).list = [2])
      spoil((await store.events({}))[0]?.payload)
      spoil((await store.record('lane', 'l'))?.value)
      spoil((await store.records('lane'))[0]?.value)
      expect((await store.events({}))[0]?.payload).toEqual({ list: [1] })
      expect((await store.record('lane', 'l'))?.value).toEqual({ list: [1] })
    })

    it('replaces, inserts and deletes records in the commit of the events', async () => {
      await store.commit({
        events: [],
        records: [record('lane', 'b', { n: 1 }), record('lane', 'a', { n: 1 }), record('pty', 'a', { n: 9 })],
      })
      await store.commit({ events: [event('lane.closed')], records: [record('lane', 'b', { n: 2 })], deleted: [{ kind: 'lane', id: 'a' }] })
      expect(await store.records('lane')).toEqual([record('lane', 'b', { n: 2 })])
      expect(await store.record('lane', 'a')).toBeUndefined()
      expect(await store.record('pty', 'a')).toEqual(record('pty', 'a', { n: 9 }))
      expect(await store.records('none')).toEqual([])
    })

    it('lists records by id ascending', async () => {
      await store.commit({ events: [], records: ['c', 'a', 'B', 'b', '10', '9'].map((id) => record('lane', id, {})) })
      expect((await store.records('lane')).map(({ id }) => id)).toEqual(['10', '9', 'B', 'a', 'b', 'c'])
    })

    it('finds events by run, lane, terminal, pty, type and sequence, and by several at once', async () => {
      await store.commit({
        events: [
          event('run.started', { runId: RUN_A }),
          event('lane.created', { runId: RUN_A, laneId: LANE }),
          event('pty.spawned', { runId: RUN_A, laneId: LANE, terminalId: TERMINAL, ptyId: PTY }),
          event('run.started', { runId: RUN_B }),
          event('pty.exited', { runId: RUN_A, laneId: LANE, terminalId: TERMINAL, ptyId: PTY }),
        ],
      })
      expect(sequences(await store.events({ runId: RUN_A }))).toEqual([1, 2, 3, 5])
      expect(sequences(await store.events({ runId: RUN_B }))).toEqual([4])
      expect(sequences(await store.events({ laneId: LANE }))).toEqual([2, 3, 5])
      expect(sequences(await store.events({ terminalId: TERMINAL }))).toEqual([3, 5])
      expect(sequences(await store.events({ ptyId: PTY }))).toEqual([3, 5])
      expect(sequences(await store.events({ types: ['run.started', 'pty.exited'] }))).toEqual([1, 4, 5])
      expect(sequences(await store.events({ types: [] }))).toEqual([])
      expect(sequences(await store.events({ from: 3 }))).toEqual([3, 4, 5])
      expect(sequences(await store.events({ runId: RUN_A, laneId: LANE, from: 3, types: ['pty.exited'] }))).toEqual([5])
      expect(sequences(await store.events({ runId: RUN_B, laneId: LANE }))).toEqual([])
    })

    it('numbers each type by itself, from 1 without gaps, also across commits made at once [BUS-3]', async () => {
      const types = ['lane.created', 'run.started', 'lane.created', 'lane.ended', 'lane.created', 'run.started']
      await Promise.all(types.map((type) => store.commit({ events: [event(type)] })))
      const numbers = (await store.events({})).map(({ type, topicSequence }) => `${type} ${topicSequence}`)
      expect(numbers).toEqual(['lane.created 1', 'run.started 1', 'lane.created 2', 'lane.ended 1', 'lane.created 3', 'run.started 2'])
      const bad = store.commit({ events: [event('run.started'), event('')] })
      await expect(bad).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' })
      expect(await store.commit({ events: [event('run.started')] })).toMatchObject([{ sequence: 7, topicSequence: 3 }])
    })

    it('finds types by prefix, and of a type from a number on [BUS-3]', async () => {
      const types = ['lane.created', 'lane', 'lanes.created', 'lane.state-changed', 'lane.created', 'run.started', 'lane.']
      await store.commit({ events: types.map((type) => event(type)) })
      expect(sequences(await store.events({ types: ['lane.*'] }))).toEqual([1, 4, 5, 7])
      expect(sequences(await store.events({ types: ['lane.*', 'run.started', 'lane'] }))).toEqual([1, 2, 4, 5, 6, 7])
      expect(sequences(await store.events({ types: ['*'], from: 3 }))).toEqual([3, 4, 5, 6, 7])
      expect(sequences(await store.events({ types: ['*'], since: { 'lane.created': 2 } }))).toEqual([2, 3, 4, 5, 6, 7])
      expect(sequences(await store.events({ types: ['lane.created'], since: { 'lane.created': 3, '%': 1 } }))).toEqual([])
      expect(sequences(await store.events({ types: ["x' OR '1", 'la%', 'lane.created.*'] }))).toEqual([])
    })

    it('gives the oldest or the newest of a long history, ascending', async () => {
      await store.commit({ events: upTo(2_500).map(() => event('a.b', { runId: RUN_A })) })
      expect(sequences(await store.events({}))).toEqual(upTo(2_500))
      expect(sequences(await store.events({ limit: 3 }))).toEqual([1, 2, 3])
      expect(sequences(await store.events({ newest: true, limit: 3 }))).toEqual([2_498, 2_499, 2_500])
      expect(sequences(await store.events({ newest: true, limit: 1_500, runId: RUN_A }))).toEqual(upTo(1_500, 1_001))
      expect(sequences(await store.events({ newest: true, from: 2_499 }))).toEqual([2_499, 2_500])
      expect(await store.events({ limit: 0 })).toEqual([])
      expect(await store.events({ newest: true, limit: 0 })).toEqual([])
      expect(await store.events({ limit: -1 })).toEqual([])
    })

    const circular: Record<string, unknown> = {}
    circular['self'] = circular
    const refused: [string, Commit][] = [
      ['a circular payload', { events: [event('a.b', { payload: circular })] }],
      ['a payload with a bigint', { events: [event('a.b', { payload: { n: 1n } })] }],
      ['a payload that is no object', { events: [event('a.b', { payload: undefined as unknown as Record<string, unknown> })] }],
      ['a time that is no number', { events: [event('a.b', { at: Number.NaN })] }],
      ['an empty type', { events: [event('')] }],
      ['an empty record id', { events: [event('a.b')], records: [record('lane', '', {})] }],
      ['an empty record kind', { events: [event('a.b')], records: [record('', 'a', {})] }],
      ['a circular record', { events: [event('a.b')], records: [record('lane', 'ok', {}), record('lane', 'a', circular)] }],
    ]
    it.each(refused)('refuses %s, stores nothing of that commit, and all of its neighbours', async (_, bad) => {
      const calls = [store.commit({ events: [event('before.done')] }), store.commit(bad), store.commit({ events: [event('after.done')] })]
      const [before, middle, after] = await Promise.allSettled(calls)
      expect(middle).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STORE_FAILED' } })
      expect(before).toMatchObject({ status: 'fulfilled', value: [{ sequence: 1 }] })
      expect(after).toMatchObject({ status: 'fulfilled', value: [{ sequence: 2 }] })
      expect((await store.events({})).map(({ type }) => type)).toEqual(['before.done', 'after.done'])
      expect(await store.records('lane')).toEqual([])
    })

    it('takes an empty commit', async () => {
      expect(await store.commit({ events: [] })).toEqual([])
      expect(await store.events({})).toEqual([])
    })

    it('forgets runs that ended before a time, with all that belongs to them, and nothing else', async () => {
      const run = (id: RunId, endedAt: number | null): Commit => ({
        events: [event('run.started', { runId: id }), event('lane.created', { runId: id, laneId: LANE })],
        records: [
          record('run', id, { endedAt }),
          ...['lane', 'command', 'pty'].map((kind) => record(kind, `${kind}-${id}`, { runId: id })),
        ],
      })
      const later: RunId = 'rn_01J9ZC3K6Q4WZP2J9ZC3K6Q4WC'
      await store.commit(run(RUN_A, 999))
      await store.commit(run(RUN_B, null))
      await store.commit(run(later, 1_000))
      await store.commit({ events: [event('store.opened')], records: [record('lane', 'of-no-run', {})] })
      expect(await store.forgetRunsBefore(1_000)).toEqual([RUN_A])
      expect(sequences(await store.events({}))).toEqual([3, 4, 5, 6, 7])
      expect((await store.records('run')).map(({ id }) => id)).toEqual([RUN_B, later])
      expect((await store.records('lane')).map(({ id }) => id)).toEqual([`lane-${RUN_B}`, `lane-${later}`, 'of-no-run'])
      expect(await store.records('pty')).toHaveLength(2)
      expect(await store.forgetRunsBefore(1_000)).toEqual([])
    })

    it('forgets lanes of their own that ended before a time, with all that belongs to them, and nothing else', async () => {
      const own = (id: LaneId, endedAt: number | null): Commit => ({
        events: [event('lane.created', { laneId: id })],
        records: [
          record('lane', id, { runId: null, endedAt }),
          record('terminal', `tm-${id}`, { runId: null, laneId: id }),
          record('pty', `pt-${id}`, { runId: null, laneId: id }),
        ],
      })
      const [ended, open]: LaneId[] = ['ln_01J9ZC3K6Q4WZP2J9ZC3K6Q4XA', 'ln_01J9ZC3K6Q4WZP2J9ZC3K6Q4XB']
      await store.commit(own(ended!, 999))
      await store.commit(own(open!, null))
      await store.commit({
        events: [event('lane.ended', { runId: RUN_B, laneId: LANE })],
        records: [record('lane', LANE, { runId: RUN_B, endedAt: 1 })],
      })
      expect(await store.forgetRunsBefore(1_000)).toEqual([ended])
      expect(sequences(await store.events({}))).toEqual([2, 3])
      for (const kind of ['terminal', 'pty']) expect((await store.records(kind)).map(({ value }) => value['laneId'])).toEqual([open])
      expect(new Set((await store.records('lane')).map(({ id }) => id))).toEqual(new Set([open, LANE]))
    })

    it('never gives a sequence twice, even after the newest events were forgotten [BUS-3]', async () => {
      await store.commit({ events: [event('run.ended', { runId: RUN_A })], records: [record('run', RUN_A, { endedAt: 1 })] })
      expect(await store.forgetRunsBefore(2)).toEqual([RUN_A])
      expect(sequences(await store.commit({ events: [event('run.started')] }))).toEqual([2])
      expect(await store.commit({ events: [event('run.ended')] })).toMatchObject([{ sequence: 3, topicSequence: 2 }])
    })

    it('writes what is pending when closed, and refuses everything afterwards', async () => {
      const pending = upTo(50).map(() => store.commit({ events: [event('a.b')] }))
      const closing = store.close()
      const late = store.commit({ events: [event('late')] })
      await expect(late).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
      expect(sequences((await Promise.all(pending)).flat())).toEqual(upTo(50))
      await closing
      await store.close()
      for (const call of [store.events({}), store.record('a', 'b'), store.records('a'), store.forgetRunsBefore(1)]) {
        await expect(call).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
      }
    })

    it('has nothing put aside where nothing was damaged', () => {
      expect(store.putAside).toBeNull()
    })
  })
}

const record = (kind: string, id: string, value: Record<string, unknown>) => ({ kind, id, value })
