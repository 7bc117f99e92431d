import { describe, expect, it } from 'vitest'
import { runKillRounds } from '../helpers/kill-rounds/kill-rounds.ts'

/** 1,000 at the usual length of a soak. */
const ROUNDS = 50 * Number(process.env['SIGNALBOX_RUNS'] ?? 20)
const seed = Number(process.env['SIGNALBOX_SEED'] ?? Date.now() % 1_000_000)
/** To begin with the round that failed. */
const from = Number(process.env['SIGNALBOX_ROUND'] ?? 1)
const TOLD_EVERY = 50

describe('random rounds of kill -9 and other ends, under load, for long', () => {
  it(`${ROUNDS} rounds: no output lost before an acknowledged offset, no input applied twice, no survivor [PTY-5, PTY-7, PTY-9, PTY-14, PTY-17]`, async () => {
    console.log(`kill rounds: seed ${seed} (SIGNALBOX_SEED=${seed} repeats it)`)
    const told = (text: string, round: number): void => {
      if (round % TOLD_EVERY === 0) console.log(`kill rounds: ${text}`)
    }
    const report = await runKillRounds({ seed, from, rounds: from + ROUNDS - 1, log: told })
    console.log(`kill rounds: ${JSON.stringify(report)}`)
    expect(report.rounds).toBe(ROUNDS)
  })
})
