import { describe, expect, it } from 'vitest'
import { type Case, exceeded, measure, percentile, type Result, tableOf } from '../../../bench/harness.ts'

const result = (ratio: number, better: Case['better']): Result => ({
  name: 'x',
  unit: 'ms',
  better,
  value: ratio,
  p50: ratio,
  p95: ratio,
  p99: ratio,
  n: 1,
  baseline: 1,
  ratio,
})

describe('benchmark harness', () => {
  it('counts percentiles from the good end [Q-3]', () => {
    const samples = Array.from({ length: 100 }, (_, index) => index + 1)
    expect(percentile(samples, 50)).toBe(51)
    expect(percentile(samples, 99)).toBe(100)
    expect(percentile(samples, 99, 'higher')).toBe(1)
    expect(() => percentile([], 50)).toThrow(RangeError)
  })

  it('measures ours and the baseline in turns, who begins alternating, after one warm-up of each [Q-3]', async () => {
    const calls: string[] = []
    const side = (name: string, value: number) => async (): Promise<number[]> => {
      calls.push(name)
      return [value]
    }
    const measured = await measure({ name: 'x', unit: 'ms', better: 'lower', ours: side('o', 3), baseline: side('b', 2) }, 4)
    expect(calls.join('')).toBe('ob' + 'ob' + 'bo' + 'ob' + 'bo')
    expect(measured).toMatchObject({ value: 3, baseline: 2, ratio: 1.5, n: 4 })
  })

  it('compares another percentile than the median where a case says so [Q-3]', async () => {
    const side = (worst: number) => (): Promise<number[]> =>
      Promise.resolve([...Array.from({ length: 94 }, () => 1), ...Array.from({ length: 6 }, () => worst)])
    const one: Case = { name: 'x', unit: 'ms', better: 'lower', percent: 95, ours: side(30), baseline: side(20) }
    expect(await measure(one, 2)).toMatchObject({ value: 30, p50: 1, baseline: 20, ratio: 1.5 })
  })

  it('fails a ratio more than twice as bad as its limit, in either direction, and one without a limit [Q-3]', () => {
    const limits = { 's/x': 2 }
    expect(exceeded('s', [result(4, 'lower')], limits)).toEqual([])
    expect(exceeded('s', [result(4.01, 'lower')], limits)).toHaveLength(1)
    expect(exceeded('s', [result(1, 'higher')], limits)).toEqual([])
    expect(exceeded('s', [result(0.99, 'higher')], limits)).toHaveLength(1)
    expect(exceeded('s', [result(Number.NaN, 'lower'), result(Number.NaN, 'higher')], limits)).toHaveLength(2)
    expect(exceeded('other', [result(1, 'lower')], limits)[0]).toContain('no limit')
  })

  it('fails a result that is not below what it must be, whatever its ratio [Q-3]', () => {
    const limits = { 's/x': 2 }
    expect(exceeded('s', [{ ...result(1, 'lower'), most: 2 }], limits)).toEqual([])
    for (const value of [2, Number.NaN]) {
      expect(exceeded('s', [{ ...result(1, 'lower'), value, most: 2 }], limits)).toEqual([expect.stringContaining('below 2')])
    }
  })

  it('prints one line a result below a head, all of one width [Q-3]', () => {
    const lines = tableOf('suite', [result(1.5, 'lower'), result(123_456, 'higher')]).split('\n')
    expect(lines).toHaveLength(3)
    expect(new Set(lines.map((line) => line.length)).size).toBe(1)
    expect(lines[2]).toContain('123,456')
  })
})
