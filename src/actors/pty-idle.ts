import type { ActorContext } from '../kernel/types.ts'
import type { Pty } from '../ports/terminal-host.port.ts'
import type { EventIds, NewEvent } from '../protocols/events.ts'
import type { PtyHealth } from '../protocols/health.ts'
import type { PtyProtocol } from '../protocols/pty.protocol.ts'
import type { PtyRecord } from '../protocols/records.ts'
import { event } from './journal.ts'
import type { PtyArgs } from './services.ts'

export const idsOf = ({ runId, laneId, terminalId, id }: PtyRecord): EventIds => ({
  ...(runId !== null && { runId }),
  laneId,
  terminalId,
  ptyId: id,
})

/** Its actor hears when it becomes idle or active. What comes after the end of the actor is for the next incarnation, which asks anew. */
export const followHealth = (ctx: ActorContext<PtyProtocol>, { services, command }: PtyArgs, record: PtyRecord, pty: Pty): void =>
  services.health.follow(pty, {
    ids: idsOf(record),
    who: { lane: record.lane, command: record.command, attempt: record.attempt },
    mark: record.mark,
    idleAfterMs: command.idleAfterMs,
    isThrottled: record.snapshot.state === 'throttled',
    size: record.size,
    heard(news) {
      if (ctx.signal.aborted) return
      if (news.verdict === 'idle') ctx.tell(ctx.self, '$idle', { health: news.health })
      else if (news.verdict === 'activity') ctx.tell(ctx.self, '$activity', { by: news.by })
      else ctx.tell(ctx.self, '$resized', { size: news.size })
    },
  })

/** The alert, at the time `at`. A shell that waits for a command does what it is there for: nobody is told. */
export const idled = (at: number, { command: { idleAfterMs } }: PtyArgs, record: PtyRecord, health: PtyHealth): readonly NewEvent[] => {
  const { condition, evidence, since, processes, memoryBytes } = health
  if (condition === 'at-prompt') return []
  const { lane, command, attempt } = record
  const payload = { lane, command, attempt, since, idleAfterMs, condition, evidence, processes, memoryBytes }
  return [event(at, 'pty.idled', idsOf(record), payload)]
}
