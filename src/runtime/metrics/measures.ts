import type { Decision } from '../../kernel/child-spec.ts'
import type { DeadLetter, ExitedActor } from '../../kernel/types.ts'
import type { Clock } from '../../ports/clock.port.ts'
import type { EventStore } from '../../ports/event-store.port.ts'
import type { Sample } from './open-metrics.ts'

/** Counts by labels. */
class Tally {
  private readonly counts = new Map<string, { readonly labels: Readonly<Record<string, string>>; value: number }>()

  add(labels: Readonly<Record<string, string>>): void {
    const key = Object.values(labels).join(' ')
    const known = this.counts.get(key)
    if (known === undefined) this.counts.set(key, { labels, value: 1 })
    else known.value += 1
  }

  samples(): readonly Sample[] {
    return [...this.counts.values()].map(({ labels, value }) => ({ labels, value }))
  }
}

/** What the actors of one kind of supervisor have in common: `terminal` of `terminal:tm_…`. */
const sortOf = (name: string): string => name.split(':', 1)[0] ?? name

/** What cannot be seen afterwards, and so is counted as it happens. There is none where metrics are switched off. */
export class Measures {
  readonly exits: Tally = new Tally()
  readonly restarts: Tally = new Tally()
  readonly givenUp: Tally = new Tally()
  readonly deadLetters: Tally = new Tally()
  commits = 0
  failedCommits = 0
  commitMs = 0
  private readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
  }

  exited({ kind, exit: { reason } }: ExitedActor): void {
    this.exits.add({ kind, reason })
  }

  decided({ supervisor, decision }: Decision): void {
    const labels = { supervisor: sortOf(supervisor) }
    if (decision === 'restart' || decision === 'wait') this.restarts.add(labels)
    else if (decision === 'escalate') this.givenUp.add(labels)
  }

  deadLetter({ reason }: DeadLetter): void {
    this.deadLetters.add({ reason })
  }

  /** The store with its commits counted and timed. */
  store(store: EventStore): EventStore {
    const commit: EventStore['commit'] = async (change) => {
      const began = this.clock.monotonic()
      try {
        return await store.commit(change)
      } catch (error) {
        this.failedCommits += 1
        throw error
      } finally {
        this.commits += 1
        this.commitMs += this.clock.monotonic() - began
      }
    }
    return {
      putAside: store.putAside,
      commit,
      events: (query) => store.events(query),
      record: (kind, id) => store.record(kind, id),
      records: (kind) => store.records(kind),
      forgetRunsBefore: (at) => store.forgetRunsBefore(at),
      close: () => store.close(),
    }
  }
}
