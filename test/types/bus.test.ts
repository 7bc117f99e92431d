import { describe, expect, it } from 'vitest'
import type { BusEvent, EnvelopeError, ReplyEnvelope, RequestEnvelope } from '../../src/protocols/bus.ts'

const error: EnvelopeError = { code: 'TIMEOUT', reason: 'ERR_ASK_TIMEOUT', message: 'no answer', context: {} }
const head = { id: '1', timestamp: 1, correlation_id: 'cor_1' } as const

describe('the types of envelopes', () => {
  it('have the fields of each kind, and JSON carries them [BUS-1, BUS-2]', () => {
    const request: RequestEnvelope = { ...head, method: 'lane.list', payload: {} }
    const answer: ReplyEnvelope = { ...head, method: 'lane.list', causation_id: '1', payload: [] }
    const failure: ReplyEnvelope = { ...head, method: 'lane.list', causation_id: '1', error }
    const event: BusEvent = { ...head, topic: 'lane.created', sequence: 1, payload: {} }
    const sent = [request, answer, failure, event]
    expect(JSON.parse(JSON.stringify(sent))).toEqual(sent)
  })

  it('refuse a code that is none, an answer without its question, and one that both succeeded and failed [BUS-2]', () => {
    // @ts-expect-error -- no such code
    const unknown: EnvelopeError = { ...error, code: 'FAILED' }
    // @ts-expect-error -- no causation_id
    const loose: ReplyEnvelope = { ...head, method: 'lane.list', payload: [] }
    // @ts-expect-error -- both
    const both: ReplyEnvelope = { ...head, method: 'lane.list', causation_id: '1', payload: [], error }
    expect([unknown, loose, both]).toHaveLength(3)
  })
})
