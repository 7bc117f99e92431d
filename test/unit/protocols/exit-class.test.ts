import { describe, expect, it } from 'vitest'
import { classifyExit, type EndedProcess, type ExitFinding } from '../../../src/protocols/exit-class.ts'
import { exitRules } from '../../../src/protocols/exit-rules.ts'
import { findingText, remedyOf } from '../../../src/protocols/exit-words.ts'
import type { ExitClass } from '../../../src/protocols/plan.ts'
import type { ShapedRules } from '../../../src/protocols/plan-classify.schema.ts'

const AT = 1_750_000_000_000
const classify = (ended: Partial<EndedProcess>, rules?: ShapedRules): ExitFinding =>
  classifyExit({ exitCode: 1, signal: null, lines: [], memoryKills: 0, at: AT, ...ended }, exitRules(undefined, rules))
const said = (...lines: string[]): ExitClass => classify({ lines }).class

describe('classifyExit', () => {
  it.each<[ExitClass, string]>([
    ['authentication', 'Invalid API key · Please run /login'],
    ['authentication', 'API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"OAuth token has expired"}}'],
    ['rateLimited', "You've hit your limit · resets 1am (Europe/Oslo)"],
    ['rateLimited', 'Claude AI usage limit reached|1750708800'],
    ['rateLimited', '  ⎿  API Error: Rate limit reached'],
    ['rateLimited', 'exceeded retry limit, last status: 429 Too Many Requests, request id: 9c84b52'],
    ['authentication', 'exceeded retry limit, last status: 401 Unauthorized'],
    ['rateLimited', '{"error":{"type":"usage_limit_reached","resets_in_seconds":529498}}'],
    ['rateLimited', '✕ [API Error: got status: 429 Too Many Requests. {"error":{"status":"RESOURCE_EXHAUSTED"}}]'],
    ['authentication', 'API key not valid. Please pass a valid API key.'],
    ['authentication', 'git@example.org: Permission denied (publickey).'],
    ['authentication', "fatal: could not read Username for 'https://example.org': terminal prompts disabled"],
    ['authentication', 'npm error code E401'],
    ['rateLimited', 'npm error code E429'],
    ['rateLimited', 'gh: API rate limit exceeded for user ID 1. (HTTP 403)'],
    ['memory', 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'],
    ['failure', 'Error: expected 200, got 404'],
    ['failure', '3 tests failed (401 passed, 429 skipped)'],
    ['failure', 'took 4290 ms, status 4290'],
    ['failure', ''],
  ])('%s: %s [SUP-9]', (expected, line) => expect(said('before', line)).toBe(expected))

  it('lets the last line decide that says something, and looks at the last ten only [SUP-9]', () => {
    expect(said('401 Unauthorized', '429 Too Many Requests')).toBe('rateLimited')
    expect(said('429 Too Many Requests', '401 Unauthorized', 'done')).toBe('authentication')
    expect(said('401 Unauthorized', ...Array.from({ length: 9 }, () => 'x'))).toBe('authentication')
    expect(said('401 Unauthorized', ...Array.from({ length: 10 }, () => 'x'))).toBe('failure')
  })

  it('goes by exit code and signal first [SUP-9]', () => {
    const lines = ['401 Unauthorized']
    expect(classify({ exitCode: 127, lines }).class).toBe('notExecutable')
    expect(classify({ exitCode: 126, lines }).class).toBe('notExecutable')
    expect(classify({ exitCode: null, signal: 'SIGSEGV', lines })).toMatchObject({ class: 'signal', evidence: 'ended by SIGSEGV' })
    expect(classify({ exitCode: 139, lines }).class).toBe('signal')
    expect(classify({ exitCode: 134, lines: ['JavaScript heap out of memory'] }).class).toBe('memory')
    expect(classify({ exitCode: 255, lines: [] }).class).toBe('failure')
  })

  it.each([137, null])('takes SIGKILL for memory as far as the system tells (exit code %s) [SUP-9]', (exitCode) => {
    const killed = (memoryKills: number | null) => classify({ exitCode, signal: exitCode === null ? 'SIGKILL' : null, memoryKills })
    expect(killed(2)).toMatchObject({ class: 'memory', certain: true, evidence: 'SIGKILL, and the system killed 2 processes for memory' })
    expect(killed(null)).toMatchObject({ class: 'memory', certain: false })
    expect(findingText(killed(null))).toMatch(/^perhaps it was killed for memory/u)
    expect(killed(0)).toMatchObject({ class: 'signal' })
  })

  it.each([
    ['rate limited; retry after 30 s', 30_000],
    ['Rate limit reached for gpt-5 on tokens per min. Please try again in 1.898s.', 1_898],
    ["You've hit your usage limit. Try again in 2 hours 15 minutes.", 8_100_000],
    ['RESOURCE_EXHAUSTED: Please retry in 34.07s', 34_070],
    [`Claude AI usage limit reached|${AT / 1_000 + 90}`, 90_000],
    [`Claude AI usage limit reached|${AT / 1_000 - 90}`, 0],
    ['HTTP 429; Retry-After: 120', 120_000],
    ['usage_limit_reached, "resets_in_seconds": 529498', 529_498_000],
    ['rate limited: will retry after 5 attempts', null],
    ["You've hit your limit · resets 1am (Europe/Oslo)", null],
    ['too many requests', null],
  ])('reads when one may come back: %s [SUP-9]', (line, ms) => expect(classify({ lines: [line] }).retryAfterMs).toBe(ms))

  it('finds the time beside the line that tells of the limit [SUP-9]', () => {
    expect(classify({ lines: ['{ "status": "RESOURCE_EXHAUSTED",', '  "retryDelay": "34s" }'] }).retryAfterMs).toBe(34_000)
  })

  it('knows the texts of the plan, beside the usual ones or alone, without regard to case [SUP-9]', () => {
    const texts = { authentication: ['No Session Token'], rateLimited: ['slow down'] }
    expect(classify({ lines: ['ERROR: no session token'] }, { texts }).class).toBe('authentication')
    expect(classify({ lines: ['please SLOW DOWN'] }, { texts }).class).toBe('rateLimited')
    expect(classify({ lines: ['401 Unauthorized'] }, { texts }).class).toBe('authentication')
    expect(classify({ lines: ['401 Unauthorized'] }, { texts, usual: false }).class).toBe('failure')
    expect(classify({ lines: ['slow down'] }, { texts, usual: false }).class).toBe('rateLimited')
  })

  it('shows the line without secrets, and not all of a long one [SUP-9]', () => {
    const { evidence } = classify({ lines: [`invalid api key sk-ant-api03-${'a'.repeat(40)} ${'x'.repeat(9_000)}`] })
    expect(classify({ lines: [`invalid api key sk-ant-api03-${'a'.repeat(40)}`] }).evidence).toBe('"invalid api key [masked]"')
    expect(evidence.length).toBeLessThan(250)
  })

  it('says what one can do where that is known [SUP-9]', () => {
    for (const is of ['notExecutable', 'authentication', 'rateLimited', 'memory'] as const) expect(remedyOf(is)).not.toBeNull()
    for (const is of ['signal', 'failure'] as const) expect(remedyOf(is)).toBeNull()
  })
})
