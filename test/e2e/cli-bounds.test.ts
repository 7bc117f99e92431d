import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../helpers/cli.ts'
import { type CliDesk, makeCliDesk } from '../helpers/cli-users.ts'

let desk: CliDesk
beforeEach(async () => {
  desk = await makeCliDesk()
})
afterEach(async () => {
  await desk.run(['down'])
  await desk.cleanup()
})

type Json = Record<string, unknown>
const json = async (...args: readonly string[]): Promise<Json> => JSON.parse((await desk.run([...args, '--json'])).stdout) as Json

describe('terminals of the command line', () => {
  it('have the memory for recent output and the limits that they are given [PTY-11, PTY-7]', async () => {
    await desk.run(['down'])
    desk.env['SIGNALBOX_TERMINALS_RING_BUDGET_BYTES'] = '1048576'
    await desk.run(['up'])
    await desk.spawn('loud', 'seq 1 400000; echo the end; sleep 1000')
    await until('it has said all', async () => (await desk.run(['term', 'logs', 'loud', '--lines', '1'])).stdout.includes('the end'))
    const text = (await json('term', 'text', 'loud', '--since', '0')) as { gap: { from: number; to: number }; offset: number }
    expect(text.offset - text.gap.to).toBeGreaterThan(900_000)
    expect(text.offset - text.gap.to).toBeLessThanOrEqual(1_048_576)

    const limits = ['--memory', '2Gi', '--processes', '4000', '--cpus', '64', '--if-missing', 'run']
    expect((await desk.run(['term', 'spawn', 'desk', '-n', 'small', ...limits, '--', 'sleep', '1000'])).code).toBe(0)
    const { stdout } = await desk.run(['events', '--topic', 'pty.spawned', '--json'])
    const small = stdout.split('\n').find((line) => line.includes('"small"')) ?? ''
    const { payload } = JSON.parse(small) as { payload: { limits: object } }
    expect(Object.keys(payload.limits).sort()).toEqual(['cpus', 'memoryBytes', 'processes'])
    for (const wrong of ['much', '5', '-1', '1e9']) {
      expect((await desk.run(['term', 'spawn', 'desk', '--memory', wrong])).code, wrong).toBe(2)
    }
    expect((await desk.run(['down'])).code).toBe(0)
  })
})
