import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLinuxProcessTable } from '../../../src/adapters/linux/linux-process-table.adapter.ts'

const MARK = 'SIGNALBOX_MARK=ws_a/pt_b/1'
const KERNEL_THREAD = 0x00200040
const ORDINARY = 0x00400000

/** A /proc made of files, so that what changes between two looks is in the test's hand. */
describe('process table of Linux, on a /proc of files', () => {
  let proc: string
  const put = (pid: number, environ: string, { state = 'S', flags = ORDINARY, start = pid, name = 'prog' } = {}): void => {
    const directory = join(proc, String(pid))
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'environ'), environ)
    writeFileSync(join(directory, 'cmdline'), `prog\0of ${pid}\0`)
    const rest = `0 -1 ${flags} 0 0 0 0 0 0 0 0 20 0 1 0 ${start} 1000 100`
    writeFileSync(join(directory, 'stat'), `${pid} (${name}) ${state} 1 ${pid} ${pid} ${rest}\n`)
  }
  const pids = async (looking: Promise<{ pid: number }[]>): Promise<number[]> => (await looking).map(({ pid }) => pid)
  const table = (): ReturnType<typeof createLinuxProcessTable> => createLinuxProcessTable(proc)

  beforeEach(() => {
    proc = mkdtempSync(join(tmpdir(), 'sbx-proc-'))
    mkdirSync(join(proc, 'sys/kernel/random'), { recursive: true })
    writeFileSync(join(proc, 'sys/kernel/random/boot_id'), 'a-boot\n')
    for (let pid = 1; pid <= 60; pid += 1) put(pid, 'HOME=/\0') // more than one slice: the look gives way once
  })
  afterEach(() => rmSync(proc, { recursive: true, force: true }))

  it('tells how many were killed for memory, and that it does not know [SUP-9]', () => {
    expect(table().memoryKills?.()).toBeNull()
    writeFileSync(join(proc, 'vmstat'), 'drop_pagecache 0\noom_kill 12\noom_killer 7\n')
    expect(table().memoryKills?.()).toBe(12)
  })

  it('finds a process that was forked while it looked, by one that ended meanwhile [PTY-9]', async () => {
    put(60, `HOME=/\0${MARK}\0`)
    const looking = table().findByMark('ws_a/')
    rmSync(join(proc, '60'), { recursive: true })
    put(200, `HOME=/\0${MARK}\0`)
    expect(await pids(looking)).toContain(200)
  })

  it('looks again at a process that has no environment for a moment, in the middle of its exec [PTY-9]', async () => {
    put(200, '')
    const looking = table().findByMark('ws_a/')
    put(200, `${MARK}\0`)
    expect(await pids(looking)).toEqual([200])
  })

  it('passes kernel threads, zombies and those that never get an environment [PTY-9]', async () => {
    put(200, '', { flags: KERNEL_THREAD })
    put(201, '', { state: 'Z' })
    put(202, '')
    put(203, `${MARK}\0`, { state: 'Z' })
    put(204, `NOT_${MARK}\0`)
    expect(await pids(table().findByMark(''))).toEqual([])
  })

  it('takes names with spaces and parentheses, and sorts by start, not by pid [PTY-14]', async () => {
    put(300, `${MARK}\0`, { start: 500, name: 'a) R 1 (b' })
    put(301, `HOME=/\0${MARK}`, { start: 90 })
    const found = await table().findByMark('ws_a/pt_b/1')
    expect(found).toEqual([
      {
        pid: 301,
        startTime: '90',
        bootId: 'a-boot',
        ppid: 1,
        pgid: 301,
        sid: 301,
        state: 'S',
        command: 'prog of 301',
        mark: 'ws_a/pt_b/1',
      },
      {
        pid: 300,
        startTime: '500',
        bootId: 'a-boot',
        ppid: 1,
        pgid: 300,
        sid: 300,
        state: 'S',
        command: 'prog of 300',
        mark: 'ws_a/pt_b/1',
      },
    ])
  })
})
