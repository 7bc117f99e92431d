import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/adapters/system/system-clock.adapter.ts'
import { createMemoryStore } from '../../../src/adapters/memory/memory-store.adapter.ts'
import { EventHub } from '../../../src/actors/event-hub.ts'
import { loopbackAddress } from '../../../src/protocols/loopback.ts'
import { families } from '../../../src/runtime/metrics/families.ts'
import { Measures } from '../../../src/runtime/metrics/measures.ts'
import { type Family, openMetricsText } from '../../../src/runtime/metrics/open-metrics.ts'
import type { TreeNode } from '../../../src/supervisors/system.types.ts'
import { figure, parseOpenMetrics } from '../../helpers/open-metrics.ts'

const family = (patch: Partial<Family> = {}): Family => ({ name: 'a', type: 'gauge', help: 'It.', samples: [{ value: 1 }], ...patch })

describe('OpenMetrics text', () => {
  it('has type, unit and help before the samples, and ends with # EOF', () => {
    const text = openMetricsText([
      family({ name: 'time_seconds', type: 'counter', unit: 'seconds', samples: [{ value: 0.25, labels: { of: 'x' } }, { value: 2 }] }),
      family(),
    ])
    expect(text).toBe(`# TYPE time_seconds counter
# UNIT time_seconds seconds
# HELP time_seconds It.
time_seconds_total{of="x"} 0.25
time_seconds_total 2
# TYPE a gauge
# HELP a It.
a 1
# EOF
`)
    expect(openMetricsText([])).toBe('# EOF\n')
  })

  it.each(['', 'plain', 'a"b', 'a\\b', 'a\\nb', 'line\nline', '\\"\n\\', 'ünï 😀', '{}=,'])(
    'keeps the text %j of labels and help whole',
    (odd) => {
      const parsed = parseOpenMetrics(
        openMetricsText([family({ help: `It: ${odd}`, samples: [{ labels: { odd, other: 'y' }, value: 1 }] })]),
      )
      expect(parsed.get('a')?.samples).toEqual([{ name: 'a', labels: { odd, other: 'y' }, value: 1 }])
      expect(parsed.get('a')?.help.includes('\n')).toBe(false)
    },
  )

  it.each([0, -0.5, 1e21, 1e-9, 2 ** 53, Infinity, -Infinity, NaN])('writes the number %s as one', (value) => {
    expect(parseOpenMetrics(openMetricsText([family({ samples: [{ value }] })])).get('a')?.samples[0]?.value).toBe(value)
  })

  it.each([
    ['no end', '# TYPE a gauge\n# HELP a x\na 1\n', 'does not end'],
    ['an empty line', '# TYPE a gauge\n# HELP a x\n\na 1\n# EOF\n', 'line: ""'],
    ['a counter without its suffix', '# TYPE a counter\n# HELP a x\na 1\n# EOF\n', 'sample a in counter a'],
    ['a gauge with that of a counter', '# TYPE a gauge\n# HELP a x\na_total 1\n# EOF\n', 'sample a_total in gauge a'],
    ['a series twice', '# TYPE a gauge\n# HELP a x\na{b="1"} 1\na{b="1"} 2\n# EOF\n', 'is there twice'],
    [
      'a family in two places',
      '# TYPE a gauge\n# HELP a x\na 1\n# TYPE b gauge\n# HELP b x\nb 1\n# TYPE a gauge\n# HELP a x\n# EOF\n',
      'in two places',
    ],
    ['a unit that the name lacks', '# TYPE a gauge\n# UNIT a seconds\n# HELP a x\na 1\n# EOF\n', 'does not end with its unit'],
    ['a label that is not closed', '# TYPE a gauge\n# HELP a x\na{b="1} 1\n# EOF\n', 'labels: b="1'],
    ['a quote that is not escaped', '# TYPE a gauge\n# HELP a x\na{b="1"2"} 1\n# EOF\n', 'labels: b="1"2"'],
    ['a comma too many', '# TYPE a gauge\n# HELP a x\na{b="1",} 1\n# EOF\n', 'labels: b="1",'],
    ['no number', '# TYPE a gauge\n# HELP a x\na one\n# EOF\n', 'line: "a one"'],
    ['a type after samples', '# HELP a x\na 1\n# TYPE a gauge\n# EOF\n', 'TYPE of a after its samples'],
    ['a negative counter', '# TYPE a counter\n# HELP a x\na_total -1\n# EOF\n', 'counter a_total is -1'],
    ['a type that there is not', '# TYPE a number\n# HELP a x\na 1\n# EOF\n', 'type number'],
    [
      'names that collide',
      '# TYPE a counter\n# HELP a x\na_total 1\n# TYPE a_total gauge\n# HELP a_total x\na_total 1\n# EOF\n',
      'a_total means two things',
    ],
  ])('the parser of these tests refuses %s', (_what, text, why) => {
    expect(() => parseOpenMetrics(text)).toThrow(why)
  })
})

describe('figures', () => {
  const node = (name: string, kind: string, children: readonly TreeNode[] = [], now = 0): TreeNode => ({
    name,
    incarnation: 1,
    kind,
    state: 'running',
    mailbox: { now, max: 10 },
    restarts: 0,
    children,
  })
  const measuredWith = (measures: Measures, tree: TreeNode) => {
    const records = { lanes: async () => [] } as never
    const terminals = { list: async () => [], health: async () => [] } as never
    const hub = new EventHub(() => 0)
    const labels = { workspace: 'ws_1', version: '1' }
    return {
      runtime: { tree: () => tree, records, terminals },
      measures,
      bus: () => hub.figures(),
      database: '/none',
      startedAt: 1_000,
      labels,
    }
  }
  const read = async (measures: Measures, tree: TreeNode) => parseOpenMetrics(openMetricsText(await families(measuredWith(measures, tree))))

  it('have as many series with 1,000 actors and restarts as with 10: labels are kinds, not names', async () => {
    const series = async (count: number): Promise<number> => {
      const measures = new Measures(systemClock)
      const actors = Array.from({ length: count }, (_, n) => node(`pty:tm_${n}`, 'pty', [], n))
      for (const { name, kind } of actors) {
        const exit = { reason: 'crashed' } as const
        measures.exited({ name, kind, incarnation: 1, exit })
        const allowed = { restarts: 1, withinMs: 1 }
        const counts = { incarnation: 1, restarts: 1, waits: 0, reason: null, allowed, delayMs: 0, group: [] }
        for (const decision of ['restart', 'wait', 'escalate', 'remove'] as const) {
          measures.decided({ supervisor: name.replace('pty', 'terminal'), child: name, exit, decision, ...counts })
        }
        measures.deadLetter({ at: 1, to: name, from: null, type: 't', reason: 'full', message: {} } as never)
      }
      const parsed = await read(measures, node('root', 'supervisor', actors))
      expect(figure(parsed, 'signalbox_actors', { kind: 'pty', state: 'running' })).toBe(count)
      expect(figure(parsed, 'signalbox_mailbox_messages', { kind: 'pty' })).toBe((count * (count - 1)) / 2)
      expect(figure(parsed, 'signalbox_mailbox_fullest_messages', { kind: 'pty' })).toBe(count - 1)
      expect(figure(parsed, 'signalbox_actor_exits', { kind: 'pty', reason: 'crashed' })).toBe(count)
      expect(figure(parsed, 'signalbox_restarts', { supervisor: 'terminal' })).toBe(2 * count)
      expect(figure(parsed, 'signalbox_supervisors_given_up', { supervisor: 'terminal' })).toBe(count)
      expect(figure(parsed, 'signalbox_dead_letters', { reason: 'full' })).toBe(count)
      return [...parsed.values()].reduce((sum, { samples }) => sum + samples.length, 0)
    }
    expect(await series(1_000)).toBe(await series(10))
  })

  it('count commits, those that failed too, and the time that they took', async () => {
    let now = 0
    const measures = new Measures({ ...systemClock, monotonic: () => (now += 500) })
    const store = measures.store(createMemoryStore({ workspaceId: 'ws_1' as never }))
    await store.commit({ events: [], records: [{ kind: 'k', id: 'a', value: {} }] })
    await store.close()
    await store.commit({ events: [] }).catch(() => undefined)
    const parsed = await read(measures, node('root', 'supervisor'))
    expect(figure(parsed, 'signalbox_store_commits')).toBe(2)
    expect(figure(parsed, 'signalbox_store_failed_commits')).toBe(1)
    expect(figure(parsed, 'signalbox_store_commit_seconds')).toBe(1)
  })
})

describe('a loopback address', () => {
  it.each(['127.0.0.1:0', '127.0.0.1:9464', '127.1.2.3:65535', '[::1]:9464'])('is %s', (text) => {
    expect(loopbackAddress(text)).not.toBeNull()
  })
  it.each([
    '',
    'off',
    '9464',
    ':9464',
    '0.0.0.0:9464',
    '[::]:9464',
    '10.0.0.1:1',
    '127.0.0.1',
    '127.0.0.256:1',
    '127.0.0.1:65536',
    '127.0.0.1:1\n',
    '::1:1',
    'localhost:1',
    '127.0.0.1.evil:1',
    '[::ffff:127.0.0.1]:1',
  ])('is not %j', (text) => {
    expect(loopbackAddress(text)).toBeNull()
  })
})
