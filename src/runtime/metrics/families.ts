import { statSync } from 'node:fs'
import type { BusFigures } from '../../actors/event-hub.ts'
import type { TreeNode } from '../../supervisors/system.types.ts'
import type { Runtime } from '../runtime.ts'
import type { Measures } from './measures.ts'
import type { Family, Sample } from './open-metrics.ts'

/** What figures are made of. */
export type Measured = {
  readonly runtime: Pick<Runtime, 'tree' | 'records' | 'terminals'>
  readonly measures: Measures
  readonly bus: () => BusFigures
  /** Path of the database. */
  readonly database: string
  /** Ms since the epoch. */
  readonly startedAt: number
  readonly labels: { readonly workspace: string; readonly version: string }
}

const nodes = (node: TreeNode): readonly TreeNode[] => [node, ...node.children.flatMap(nodes)]

const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({ name, type: 'gauge', help, samples })
const counter = (name: string, help: string, samples: readonly Sample[]): Family => ({ name, type: 'counter', help, samples })
const one = (value: number): readonly Sample[] => [{ value }]

/** Sums by labels, in the order in which they first came. */
const sums = <T>(of: readonly T[], labels: (one: T) => Readonly<Record<string, string>>, value: (one: T) => number): readonly Sample[] => {
  const found = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>()
  for (const each of of) {
    const its = labels(each)
    const key = Object.values(its).join(' ')
    const known = found.get(key) ?? { labels: its, value: 0 }
    known.value += value(each)
    found.set(key, known)
  }
  return [...found.values()]
}

const actorFamilies = (tree: TreeNode, measures: Measures): readonly Family[] => {
  const all = nodes(tree)
  const kind = (node: TreeNode): Readonly<Record<string, string>> => ({ kind: node.kind })
  const fullest = new Map<string, number>()
  for (const { kind: of, mailbox } of all) fullest.set(of, Math.max(fullest.get(of) ?? 0, mailbox.now))
  return [
    gauge(
      'signalbox_actors',
      'Actors in the supervision tree.',
      sums(
        all,
        ({ kind: of, state }) => ({ kind: of, state }),
        () => 1,
      ),
    ),
    gauge(
      'signalbox_mailbox_messages',
      'Messages that wait in mailboxes.',
      sums(all, kind, ({ mailbox }) => mailbox.now),
    ),
    gauge(
      'signalbox_mailbox_fullest_messages',
      'Messages in the fullest mailbox of a kind.',
      [...fullest].map(([of, value]) => ({ labels: { kind: of }, value })),
    ),
    counter('signalbox_actor_exits', 'Ends of actors.', measures.exits.samples()),
    counter('signalbox_restarts', 'Restarts, by the kind of supervisor that decided.', measures.restarts.samples()),
    counter('signalbox_supervisors_given_up', 'Supervisors that ended because a child failed too often.', measures.givenUp.samples()),
    counter('signalbox_dead_letters', 'Messages that nobody took.', measures.deadLetters.samples()),
  ]
}

const laneFamilies = async ({ records, terminals }: Measured['runtime']): Promise<readonly Family[]> => {
  const lanes = (await records.lanes()).filter(({ endedAt }) => endedAt === null)
  const shown = await terminals.list({ measured: false })
  const live = shown.filter(({ pid }) => pid !== null)
  const seen = (await terminals.health({ asSeen: true })).flatMap(({ health }) => health ?? [])
  return [
    gauge(
      'signalbox_lanes',
      'Lanes that have not ended, of runs and of their own.',
      sums(
        lanes,
        ({ runId, snapshot }) => ({ of: runId === null ? 'own' : 'run', state: snapshot.state }),
        () => 1,
      ),
    ),
    gauge(
      'signalbox_terminals',
      'Terminals of these lanes.',
      sums(
        shown,
        ({ state }) => ({ state }),
        () => 1,
      ),
    ),
    gauge(
      'signalbox_terminals_doing',
      'Terminals whose process runs, by what it does, as seen last.',
      sums(
        seen,
        ({ condition }) => ({ condition }),
        () => 1,
      ),
    ),
    gauge('signalbox_terminal_processes', 'Processes of terminals.', one(seen.reduce((sum, { processes }) => sum + processes, 0))),
    {
      name: 'signalbox_terminal_memory_bytes',
      type: 'gauge',
      unit: 'bytes',
      help: 'Memory of these processes, as seen last.',
      samples: one(seen.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0)),
    },
    {
      name: 'signalbox_terminal_output_bytes',
      type: 'gauge',
      unit: 'bytes',
      help: 'Output so far of the processes that run now.',
      samples: one(live.reduce((sum, { outputBytes }) => sum + (outputBytes ?? 0), 0)),
    },
  ]
}

const busFamilies = ({ position, subscribers, waiting, live }: BusFigures): readonly Family[] => [
  counter('signalbox_bus_recorded_events', 'Recorded events of the workspace, over all processes.', one(position)),
  counter('signalbox_bus_live_events', 'Live events.', one(live)),
  gauge('signalbox_bus_subscribers', 'Who listens, signalbox itself included.', one(subscribers)),
  gauge('signalbox_bus_waiting_events', 'Events that wait for slow subscribers.', one(waiting)),
]

/** 0 where it is not there: the write-ahead log comes with the first write. */
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

const storeFamilies = ({ commits, failedCommits, commitMs }: Measures, database: string): readonly Family[] => [
  counter('signalbox_store_commits', 'Writes to the store.', one(commits)),
  counter('signalbox_store_failed_commits', 'Writes that failed.', one(failedCommits)),
  {
    name: 'signalbox_store_commit_seconds',
    type: 'counter',
    unit: 'seconds',
    help: 'Time that those who write waited for it, one after the other.',
    samples: one(commitMs / 1_000),
  },
  {
    name: 'signalbox_store_size_bytes',
    type: 'gauge',
    unit: 'bytes',
    help: 'Size of the database, and of its write-ahead log.',
    samples: [
      { labels: { file: 'database' }, value: sizeOf(database) },
      { labels: { file: 'log' }, value: sizeOf(`${database}-wal`) },
    ],
  },
]

/** Named as those of other programs are. */
const processFamilies = ({ startedAt, labels }: Measured): readonly Family[] => {
  const { user, system } = process.cpuUsage()
  return [
    {
      name: 'signalbox_start_time_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'When the orchestrator started, since the Unix epoch.',
      samples: [{ labels, value: startedAt / 1_000 }],
    },
    {
      name: 'process_cpu_seconds',
      type: 'counter',
      unit: 'seconds',
      help: 'CPU time of the orchestrator, without what it started.',
      samples: one((user + system) / 1e6),
    },
    {
      name: 'process_resident_memory_bytes',
      type: 'gauge',
      unit: 'bytes',
      help: 'Memory of the orchestrator.',
      samples: one(process.memoryUsage.rss()),
    },
  ]
}

/** Everything as it is now. The number of series depends on kinds, states and reasons, never on how many things there are. */
export const families = async (measured: Measured): Promise<readonly Family[]> => [
  ...actorFamilies(measured.runtime.tree(), measured.measures),
  ...(await laneFamilies(measured.runtime)),
  ...busFamilies(measured.bus()),
  ...storeFamilies(measured.measures, measured.database),
  ...processFamilies(measured),
]
