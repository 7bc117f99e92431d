import { fromBusEvent } from '../actors/bus-events.ts'
import type { BusGap } from '../protocols/bus.ts'
import { LIVE_TOPICS } from '../protocols/event-payloads.ts'
import type { RecordedEvent } from '../protocols/events.ts'
import { nearest } from '../protocols/suggest.ts'
import { assertPattern } from '../protocols/topics.ts'
import { type Inspection, openInspection } from '../runtime/inspection.ts'
import { EXIT } from './exit-codes.ts'
import { type Io, jsonLine, safeWriter } from './io.ts'
import type { EventLine } from './json-documents.ts'
import { withOrchestrator } from './orchestrator-client.ts'
import { renderEventAt } from './render-event.ts'

export type EventsOptions = {
  readonly follow?: boolean
  readonly topic?: readonly string[]
  readonly since?: number
  readonly json?: boolean
}

/** What is shown where nobody says since when. */
const NEWEST = 50
const PAGE = 1_000

/** Looked through for names of topics. */
const NAMES_FROM = 1_000

type Print = (event: RecordedEvent) => void

/** A topic of which nothing is recorded may be mistyped, or live. @returns null when something is, or what is live is waited for */
const topicHint = async (inspection: Inspection, topics: readonly string[], follows: boolean): Promise<string | null> => {
  const live = LIVE_TOPICS.find((topic) => topics.includes(topic))
  if (live !== undefined) return follows ? null : `${live} is told while it happens, and not recorded: add --follow`
  if ((await inspection.events({ types: topics, newest: true, limit: 1 })).length > 0) return null
  const known = [...new Set((await inspection.events({ newest: true, limit: NAMES_FROM })).map(({ type }) => type))].sort()
  const meant = topics.map((topic) => nearest(topic, [...known, ...LIVE_TOPICS])).find((topic) => topic !== undefined)
  const hint = meant === undefined ? (known.length === 0 ? '' : `; there is ${known.join(', ')}`) : `; did you mean ${meant}?`
  return `nothing is recorded of ${topics.join(', ')}${hint}`
}

/** Recorded events, printed page by page. @returns the sequence after the last there is, of any topic */
const printRecorded = async (inspection: Inspection, { topic, since }: EventsOptions, print: Print): Promise<number> => {
  const next = ((await inspection.events({ newest: true, limit: 1 }))[0]?.sequence ?? 0) + 1
  const types = topic === undefined ? {} : { types: topic }
  if (since === undefined) {
    const newest = await inspection.events({ ...types, newest: true, limit: NEWEST })
    for (const event of newest) if (event.sequence < next) print(event)
    return next
  }
  for (let from = since; ;) {
    const page = await inspection.events({ ...types, from, limit: PAGE })
    for (const event of page) if (event.sequence < next) print(event)
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE || last.sequence >= next) return Math.max(next, since)
    from = last.sequence + 1
  }
}

const printerOf = (
  io: Io,
  asJson: boolean,
): { readonly print: Print; readonly printGap: (gap: BusGap) => void; readonly closed: () => boolean } => {
  const out = safeWriter(io.out)
  // of a live event, which has no place among the recorded ones
  const shape = (event: RecordedEvent): EventLine => (event.sequence === 0 ? { ...event, sequence: null } : event)
  return {
    closed: out.closed,
    print: (event) => out.write(asJson ? jsonLine(shape(event)) : `${renderEventAt(event)}\n`),
    printGap: (gap) => out.write(asJson ? jsonLine({ type: 'gap', ...gap }) : `${gapText(gap)}\n`),
  }
}

const gapText = ({ topic, from, to }: BusGap): string =>
  `… ${to - from + 1} of ${topic} left out (${from} to ${to}): they came faster than they were read`

/** `signalbox events`. */
export const eventsCommand = async (options: EventsOptions, io: Io): Promise<number> => {
  for (const topic of options.topic ?? []) assertPattern(topic)
  const { print, printGap, closed } = printerOf(io, options.json === true)
  const inspection = await openInspection({ workspace: io.cwd })
  const recorded = async (): Promise<number> => {
    const hint = options.topic === undefined ? null : await topicHint(inspection, options.topic, options.follow === true)
    if (hint !== null) safeWriter(io.err).write(`signalbox: ${hint}\n`)
    return printRecorded(inspection, options, print)
  }
  try {
    if (options.follow !== true) {
      await recorded()
      return EXIT.ok
    }
    return await withOrchestrator(io, 'events', async (client) => {
      const since = await recorded()
      const left = new AbortController()
      io.out.on('error', () => left.abort())
      // How far outputs are, is told often: only to who asks for it.
      const wanted = options.topic === undefined ? { live: false } : { topics: options.topic }
      const request = { since, signal: left.signal, ...wanted }
      for await (const { event, gap } of client.subscribe(request)) {
        if (event !== undefined) print(fromBusEvent(event, client.server.workspaceId))
        else printGap(gap)
        if (closed()) break
      }
      return EXIT.ok
    })
  } finally {
    await inspection.close()
  }
}
