import { describe, expect, it } from 'vitest'
import { createDarwinProcessTable, type RunProgram } from '../../../src/adapters/darwin/darwin-process-table.adapter.ts'

const BOOT = '6F9A2C1E-0D5B-4C57-9B0E-0A9D7E1C2B3A'
/** The form of `ps -axwwE -o pid=,ppid=,pgid=,stat=,lstart=,command=` on macOS, with LC_ALL=C and TZ=UTC. */
const ALL = `    1     0     1 Ss   Thu Nov 19 06:11:02 2026     /sbin/launchd
  812   810   812 Ss+  Sat Nov 21 08:00:41 2026     /bin/sh -c make SIGNALBOX_MARK=ws_a/pt_b/1 PATH=/usr/bin:/bin
  813   812   812 R+   Sat Nov  7 08:00:40 2026     make -j 4 HOME=/Users/x y SIGNALBOX_MARK=ws_a/pt_b/1
  814   812   812 Z    Sat Nov 21 08:00:43 2026     (cc) SIGNALBOX_MARK=ws_a/pt_b/1
  815     1   815 S    Sat Nov 21 08:00:44 2026     sleep 9 SIGNALBOX_MARK=ws_a/pt_b/2
`

/** The form of `ps -axww -o pid=,ppid=,pgid=,stat=,lstart=,rss=,time=,tpgid=,command=`. */
const TREES = `    1     0     1 Ss   Thu Nov 19 06:11:02 2026      9216  12:03.10     0 /sbin/launchd
  812   810   812 Ss   Sat Nov 21 08:00:41 2026      1024   0:00.03   813 /bin/sh -i
  813   812   813 R+   Sat Nov 21 08:00:42 2026      2048   1:02.50   813 make -j 4
  814   813   813 S+   Sat Nov 21 08:00:43 2026       512   0:00.00   813 cc -c a b.c
  815     1   815 S    Sat Nov 21 08:00:44 2026       512   0:00.00     0 sleep 9
`

function recorded(calls: string[] = []): RunProgram {
  const answer = (program: string, args: readonly string[]): string => {
    calls.push([program, ...args].join(' '))
    if (program === 'sysctl') return `${BOOT}\n`
    if (args.includes('-axwwE')) return ALL
    if (args.includes('-axww')) return TREES
    if (args.includes('-ww')) return '  812 /bin/sh -c make\n  813 make -j 4\n'
    const pid = args.at(-1)
    const line = ALL.split('\n').find((text) => text.trim().startsWith(`${pid} `))
    return line === undefined ? '' : `${line.slice(0, 49)}\n`
  }
  return { sync: answer, async: (program, args) => Promise.resolve(answer(program, args)) }
}

describe('process table of macOS, on recorded output', () => {
  it('identifies by boot, pid and start time [PTY-14]', () => {
    const table = createDarwinProcessTable(recorded())
    const identity = { pid: 813, startTime: 'Sat Nov  7 08:00:40 2026', bootId: BOOT }
    expect(table.identify(813)).toEqual(identity)
    expect(table.isAlive(identity)).toBe(true)
    expect(table.isAlive({ ...identity, startTime: 'Sat Nov  7 08:00:41 2026' })).toBe(false)
    expect(table.isAlive({ ...identity, bootId: 'other' })).toBe(false)
  })

  it('counts zombies and what does not exist as gone, and asks for no pid that is none [PTY-9]', () => {
    const calls: string[] = []
    const table = createDarwinProcessTable(recorded(calls))
    expect(table.identify(814)).toBeNull()
    expect(table.identify(99)).toBeNull()
    calls.length = 0
    for (const pid of [0, -1, Number.NaN]) expect(table.identify(pid)).toBeNull()
    expect(calls).toEqual([])
  })

  it('finds by mark, oldest first, with the command without its environment [PTY-15]', async () => {
    const table = createDarwinProcessTable(recorded())
    const common = { pgid: 812, sid: 0, bootId: BOOT, mark: 'ws_a/pt_b/1' }
    expect(await table.findByMark('ws_a/pt_b/1')).toEqual([
      { ...common, pid: 813, ppid: 812, state: 'R', startTime: 'Sat Nov  7 08:00:40 2026', command: 'make -j 4' },
      { ...common, pid: 812, ppid: 810, state: 'S', startTime: 'Sat Nov 21 08:00:41 2026', command: '/bin/sh -c make' },
    ])
    expect(await table.findByMark('ws_other')).toEqual([])
    expect((await table.findByMark('ws_a/')).map(({ pid }) => pid)).toEqual([813, 812, 815])
  })

  it('follows trees by their parents, by one call of ps for all [PTY-18]', async () => {
    const calls: string[] = []
    const trees = createDarwinProcessTable(recorded(calls)).trees?.()
    const root = { leader: { pid: 812, startTime: 'Sat Nov 21 08:00:41 2026', bootId: BOOT }, mark: 'm' }
    const [tree = []] = (await trees?.look([root])) ?? []
    expect(tree.map(({ pid }) => pid)).toEqual([812, 813, 814])
    expect(tree[1]).toEqual({
      pid: 813,
      startTime: 'Sat Nov 21 08:00:42 2026',
      bootId: BOOT,
      ppid: 812,
      pgid: 813,
      state: 'R',
      argv: ['make', '-j', '4'],
      cpuMs: 62_500,
      childrenCpuMs: 0,
      rssBytes: 2_097_152,
      sharedBytes: 0,
      foreground: 813,
    })
    expect(await trees?.look([{ ...root, leader: { ...root.leader, bootId: 'other' }, mark: 'n' }])).toEqual([[]])
    calls.length = 0
    expect(await trees?.look([])).toEqual([])
    await trees?.look([root, { ...root, mark: 'o' }])
    expect(
      calls.filter((call) => call.startsWith('ps')),
      'one for all',
    ).toHaveLength(1)
  })
})
