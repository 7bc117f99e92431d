import { z } from 'zod'
import type { EventIds } from './events.ts'

/** What one process tells the others of its workspace. */
export type FanOutMessage = {
  /** The process; another id for each life of it. */
  readonly from: string
  /** Of its messages, from 1: a jump shows that some were missed. */
  readonly number: number
  /** Of the last event that it stored: the others read it, and what they do not know of before it, from the store. */
  readonly position?: number | undefined
  /** What it published on live topics. */
  readonly live?: readonly LiveMessage[] | undefined
}

/** An event on a live topic, before it has a number. */
export type LiveMessage = {
  readonly topic: string
  readonly key?: string | undefined
  readonly ids?: EventIds | undefined
  readonly payload: Readonly<Record<string, unknown>>
}

const text = z.string().min(1).max(128)
const id = <P extends string>(prefix: P): z.ZodType<`${P}_${string}`> => z.templateLiteral([`${prefix}_`, z.string().max(128)]) as never

const schema: z.ZodType<FanOutMessage> = z.strictObject({
  from: text,
  number: z.int().min(1),
  position: z.int().min(0).optional(),
  live: z
    .array(
      z.strictObject({
        topic: text,
        key: z.string().optional(),
        ids: z
          .strictObject({
            runId: id('rn').optional(),
            laneId: id('ln').optional(),
            terminalId: id('tm').optional(),
            ptyId: id('pt').optional(),
          })
          .optional() as z.ZodType<EventIds | undefined>,
        payload: z.record(z.string(), z.unknown()),
      }),
    )
    .optional(),
})

/** @returns what was sent, or null where it is no such message: a channel may be used by others too. */
export const parseFanOutMessage = (line: string): FanOutMessage | null => {
  try {
    return schema.parse(JSON.parse(line))
  } catch {
    return null
  }
}
