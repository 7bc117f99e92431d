import { describe, expect, it } from 'vitest'
import {
  conclude,
  cpuSpent,
  firstLook,
  idleMs,
  isInteractiveShell,
  memoryOf,
  observe,
  type Scene,
} from '../../../src/actors/health-rules.ts'
import { processSample as process } from '../../helpers/process-sample.ts'

describe('CPU time of a tree', () => {
  it('is that of those that live, and of those that were waited for [PTY-18]', () => {
    const before = [process(1, { cpuMs: 100 }), process(2, { cpuMs: 50, childrenCpuMs: 5 })]
    expect(cpuSpent(before, [process(1, { cpuMs: 130 }), process(2, { cpuMs: 50, childrenCpuMs: 5 })])).toBe(30)
    // 2 used 20 more, ended and was waited for by 1
    expect(cpuSpent(before, [process(1, { cpuMs: 100, childrenCpuMs: 75 })])).toBe(20)
    // a new one
    expect(cpuSpent(before, [...before, process(3, { cpuMs: 40 })])).toBe(40)
  })

  it('is never less than what the living used, though an ended one took its own along [PTY-18]', () => {
    const before = [process(1, { cpuMs: 100 }), process(2, { cpuMs: 5_000 })]
    expect(cpuSpent(before, [process(1, { cpuMs: 130 })])).toBe(30)
    expect(cpuSpent(before, [process(1, { cpuMs: 100 })])).toBe(0)
  })

  it('of a pid that another process has now begins anew [PTY-18]', () => {
    const before = [process(1), process(2, { cpuMs: 5_000 })]
    expect(cpuSpent(before, [process(1), process(2, { startTime: '2', cpuMs: 20 })])).toBe(20)
    expect(cpuSpent([process(2, { cpuMs: 10 })], [process(2, { startTime: '2', cpuMs: 5_000 })])).toBe(5_000)
  })
})

describe('memory of a tree', () => {
  it('counts once what processes share [PTY-18]', () => {
    expect(memoryOf([process(1, { rssBytes: 10, sharedBytes: 8 }), process(2, { rssBytes: 12, sharedBytes: 8 })])).toBe(14)
    expect(memoryOf([])).toBe(0)
  })
})

describe('idle', () => {
  const seen = (at: number, cpuMs = 0, outputBytes = 0, inputBytes = 0) => ({ at, outputBytes, inputBytes, tree: [process(1, { cpuMs })] })

  it('is who put nothing out, was given nothing and used no CPU for the time [PTY-10]', () => {
    const start = firstLook(seen(0), false)
    expect(observe(start, seen(599_999), 600_000)).toMatchObject({ verdict: null, signs: [] })
    expect(observe(start, seen(600_000), 600_000)).toMatchObject({ verdict: 'idle', quiet: { isThrottled: true } })
    for (const [one, sign] of [
      [seen(600_000, 0, 1), 'output'],
      [seen(600_000, 0, 0, 1), 'input'],
      [seen(600_000, 5_000), 'cpu'],
    ] as const) {
      const after = observe(start, one, 600_000)
      expect(after).toMatchObject({ verdict: null, signs: [sign] })
      expect(idleMs(after.quiet)).toBe(0)
    }
    expect(observe(start, seen(600_000), 0), 'switched off').toMatchObject({ verdict: null })
  })

  it('ends with the first sign of activity, and is told once [PTY-10]', () => {
    const { quiet } = observe(firstLook(seen(0), false), seen(1_000), 1_000)
    expect(observe(quiet, seen(9_000), 1_000)).toMatchObject({ verdict: null, quiet: { isThrottled: true } })
    expect(observe(quiet, seen(9_000, 0, 1), 1_000)).toMatchObject({
      verdict: 'activity',
      signs: ['output'],
      quiet: { isThrottled: false },
    })
    expect(observe(quiet, seen(9_000, 900), 1_000)).toMatchObject({ verdict: 'activity', signs: ['cpu'] })
  })

  it('stays as it is recorded until something is seen: a new look after it begins no new life [PTY-10]', () => {
    expect(observe(firstLook(seen(0), true), seen(10), 600_000)).toMatchObject({ verdict: null, quiet: { isThrottled: true } })
  })

  it('is nobody whose processes cannot be seen [PTY-10]', () => {
    const start = firstLook({ ...seen(0), tree: null }, false)
    expect(observe(start, { ...seen(700_000), tree: null }, 600_000).verdict).toBeNull()
    expect(observe(start, { ...seen(700_000), tree: [] }, 600_000).verdict).toBeNull()
  })

  it('does not depend on how often somebody looks: 1 % of a core is work, 0.1 % is none [PTY-10]', () => {
    for (const everyMs of [100, 1_000, 2_000, 5_000, 60_000]) {
      for (const [share, isWork] of [
        [0.01, true],
        [0.001, false],
      ] as const) {
        let quiet = firstLook(seen(0), false)
        const verdicts = []
        for (let at = everyMs; at <= 120_000; at += everyMs) {
          const after = observe(quiet, seen(at, Math.floor((at * share) / 10) * 10), 60_000)
          verdicts.push(after.verdict)
          quiet = after.quiet
        }
        expect(verdicts.includes('idle'), `${share} each ${everyMs} ms`).toBe(!isWork)
      }
    }
  })

  it('tells percent of what is long enough [PTY-18]', () => {
    const first = observe(firstLook(seen(0), false), seen(2_000, 1_000), 0).quiet
    expect(first.shown.percent).toBe(50)
    const soon = observe(first, seen(2_050, 1_010), 0).quiet
    expect(soon.shown.percent).toBe(50)
    expect(observe(soon, seen(4_000, 1_500), 0).quiet.shown.percent).toBe(25)
  })
})

describe('condition', () => {
  const shell = process(1, { argv: ['-bash'], pgid: 1 })
  const of = (scene: Partial<Scene>) => conclude({ leader: 1, tree: [shell], waiting: 'busy', signs: [], ...scene })

  it('is what there is evidence for [PTY-18]', () => {
    const child = process(2, { ppid: 1, argv: ['/usr/bin/python3', '-i'] })
    const front = { tree: [{ ...shell, foreground: 2 }, child] }
    expect(of({ waiting: 'input' })).toEqual({ condition: 'at-prompt', evidence: '-bash (1) waits for a command' })
    expect(of({ ...front, waiting: 'prompt' })).toEqual({
      condition: 'waiting-for-input',
      evidence: 'python3 (2) waits until its terminal can be read',
    })
    expect(of({ ...front, waiting: 'output' })).toMatchObject({ condition: 'blocked-on-output' })
    expect(of({ ...front, signs: ['cpu'] })).toEqual({ condition: 'busy', evidence: 'it used CPU since the look before' })
    expect(of(front)).toMatchObject({ condition: 'idle', evidence: expect.stringContaining('python3 (2)') })
    expect(of({ ...front, waiting: 'listening' })).toMatchObject({
      condition: 'idle',
      evidence: expect.stringContaining('among other things'),
    })
    expect(of({ ...front, waiting: 'unknown' })).toMatchObject({ condition: 'unknown' })
    expect(of({ tree: null })).toMatchObject({ condition: 'unknown' })
    expect(of({ tree: [] })).toEqual({ condition: 'unknown', evidence: 'process 1 has ended' })
  })

  it('is stopped only where all in the foreground are, or the leader [PTY-18]', () => {
    const stopped = process(2, { ppid: 1, pgid: 2, state: 'T' })
    expect(of({ tree: [{ ...shell, state: 'T' }] })).toMatchObject({ condition: 'stopped' })
    expect(of({ tree: [{ ...shell, foreground: 2 }, stopped] })).toMatchObject({ condition: 'stopped' })
    expect(of({ tree: [{ ...shell, foreground: 2 }, stopped, process(3, { pgid: 2 })], signs: ['cpu'] })).toMatchObject({
      condition: 'busy',
    })
    expect(of({ tree: [shell, stopped], waiting: 'prompt' }), 'a job in the background').toMatchObject({ condition: 'at-prompt' })
  })

  it('is stuck in the kernel only while nothing comes of it [PTY-18]', () => {
    const stuck = { tree: [{ ...shell, state: 'D' }] }
    expect(of(stuck)).toMatchObject({ condition: 'uninterruptible' })
    expect(of({ ...stuck, signs: ['output'] })).toMatchObject({ condition: 'busy' })
    expect(of({ tree: [{ ...shell, state: 'Z' }] })).toMatchObject({ condition: 'zombie' })
  })

  it('is at its prompt only who was given neither a command nor a script [PTY-10]', () => {
    for (const line of ['sh', '-bash', '/bin/bash -l -i', 'zsh --rcfile x', 'bash -o vi', 'fish', 'dash -i', 'bash --norc']) {
      expect(isInteractiveShell(line.split(' ')), line).toBe(true)
    }
    for (const line of [
      'sh -c x',
      'bash -lc x',
      'sh script',
      'bash -x ./go.sh',
      'ssh host',
      'python3',
      'fish --command x',
      '',
      'bash -ic x',
    ]) {
      expect(isInteractiveShell(line.split(' ')), line).toBe(false)
    }
  })
})
