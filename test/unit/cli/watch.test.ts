import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { safeWriter, wantsColours } from '../../../src/cli/io.ts'
import { watch, type Watched } from '../../../src/cli/watch.ts'
import type { RecordedEvent } from '../../../src/protocols/events.ts'
import { StillClock } from '../../helpers/still-clock.ts'
import { captured, fakeIo, laneView, recorded, RUN, runSummary } from './fakes.ts'

const events: RecordedEvent[] = [recorded('run.stopping', 0, { by: 'x' }), recorded('run.ended', 10, { summary: runSummary() })]
const finishedRun = (): Watched => ({
  finished: Promise.resolve(runSummary()),
  view: () => ({ runId: RUN, startedAt: 0, lanes: [laneView()] }),
  async *events() {
    yield* events
  },
})
/** A stream whose reader has gone. */
const broken = () =>
  new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    },
  })

describe('watching a run', () => {
  it('prints events as NDJSON', async () => {
    const io = fakeIo()
    await watch(finishedRun(), 'json', io, new StillClock(), () => false)
    const lines = io.out.text().trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(events)
  })

  it('prints one line an event without a terminal', async () => {
    const io = fakeIo()
    await watch(finishedRun(), 'plain', io, new StillClock(), () => false)
    expect(io.out.text().trimEnd().split('\n')).toHaveLength(events.length)
    expect(io.out.text()).not.toContain('\u001b')
  })

  it('draws the tree in place on a terminal, says how to kill when stopping, and leaves the cursor visible', async () => {
    const io = fakeIo({ isTTY: true, columns: 40, rows: 10 })
    await watch(finishedRun(), 'live', io, new StillClock(), () => true)
    expect(io.out.text()).toContain('parser')
    expect(io.out.text()).toContain('Ctrl-C again kills')
    expect(io.out.text().lastIndexOf('\u001b[?25h')).toBeGreaterThan(io.out.text().lastIndexOf('\u001b[?25l'))
  })

  it.each(['plain', 'json', 'live'] as const)('goes on to the end of the run when nobody reads any more: %s', async (mode) => {
    const io = { ...fakeIo(), out: broken() }
    await expect(watch(finishedRun(), mode, io, new StillClock(), () => false)).resolves.toMatchObject({ type: 'summary' })
  })

  it('gives the cursor back when the run cannot be carried on', async () => {
    const io = fakeIo({ isTTY: true })
    const run = { ...finishedRun(), finished: Promise.reject(new Error('disk full')) }
    await expect(watch(run, 'live', io, new StillClock(), () => false)).rejects.toThrow('disk full')
    expect(io.out.text()).toContain('\u001b[?25h')
  })
})

describe('safeWriter', () => {
  it('says nothing more once the reader is gone, and does not throw', async () => {
    const stream = broken()
    const writer = safeWriter(stream)
    writer.write('x')
    await new Promise((resolve) => stream.once('close', resolve))
    writer.write('y')
    expect(writer.closed()).toBe(true)
  })
})

describe('colours', () => {
  it.each([
    [true, {}, true],
    [false, {}, false],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    [false, { FORCE_COLOR: '1' }, true],
    [false, { FORCE_COLOR: '0' }, false],
    [true, { TERM: 'dumb' }, false],
  ])('on a terminal %s with %j: %s', (isTTY, env, wanted) => expect(wantsColours(captured({ isTTY }), env)).toBe(wanted))
})
