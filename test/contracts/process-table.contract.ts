import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProcessSample, ProcessTable, ProcessTrees } from '../../src/ports/process-table.port.ts'
import { until } from '../integration/terminal/terminal-kit.ts'

const isLinux = process.platform === 'linux'

/** What every ProcessTable does, on real processes. */
export function processTableContract(name: string, make: () => ProcessTable): void {
  describe(`process table contract: ${name}`, () => {
    const mark = `ws_contract${process.pid}/pt_x/1`
    let table: ProcessTable
    let children: ChildProcess[]

    const start = async (argv: readonly [string, ...string[]], env: Record<string, string> = { SIGNALBOX_MARK: mark }): Promise<number> => {
      const child = spawn(argv[0], argv.slice(1), {
        env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', ...env },
        stdio: ['pipe', 'pipe', 'ignore'],
      })
      children.push(child)
      await once(child, 'spawn')
      return child.pid ?? 0
    }
    const identityOf = (pid: number): NonNullable<ReturnType<ProcessTable['identify']>> => {
      const identity = table.identify(pid)
      if (identity === null) throw new Error(`no identity of ${pid}`)
      return identity
    }
    const ended = (child: ChildProcess): Promise<unknown> =>
      (child.exitCode ?? child.signalCode) !== null ? Promise.resolve() : once(child, 'exit')

    beforeEach(() => {
      table = make()
      children = []
    })
    afterEach(async () => {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.map(ended))
      await until('nothing that they started is left', async () => {
        const left = await table.findByMark(mark)
        for (const info of left) table.signal(info, 'SIGKILL')
        return left.length === 0
      })
    })

    it('identifies a living process, the same each time [PTY-14]', async () => {
      const pid = await start(['sleep', '3600'])
      const identity = identityOf(pid)
      expect(identity).toEqual({ pid, startTime: expect.stringMatching(/\S/), bootId: expect.stringMatching(/\S/) })
      expect(table.identify(pid)).toEqual(identity)
      expect(make().identify(pid)).toEqual(identity)
      expect(table.isAlive(identity)).toBe(true)
    })

    it('knows that a pid with another start time or of another boot is another process [PTY-14]', async () => {
      const identity = identityOf(await start(['sleep', '3600']))
      for (const other of [
        { ...identity, startTime: `${identity.startTime}0` },
        { ...identity, bootId: 'another-boot' },
      ]) {
        expect(table.isAlive(other)).toBe(false)
        expect(table.signal(other, 'SIGKILL')).toBe(false)
      }
      expect(table.isAlive(identity)).toBe(true)
    })

    it('counts an ended process, reaped or zombie, as gone [PTY-9]', async () => {
      const pid = await start(['sh', '-c', 'sleep 0 & echo $!; exec sleep 3600'])
      const stdout = children[0]?.stdout
      const zombie = Number(String((await once(stdout ?? process.stdin, 'data'))[0]))
      await until('the child of the shell is a zombie', () => table.identify(zombie) === null)
      expect((await table.findByMark(mark)).map((info) => info.pid)).toEqual([pid])
      const identity = identityOf(pid)
      expect(table.signal(identity, 'SIGKILL')).toBe(true)
      await until('it is gone', () => !table.isAlive(identity))
      expect(table.signal(identity, 'SIGKILL')).toBe(false)
    })

    it('identifies nothing for pids that are none [PTY-14]', () => {
      for (const pid of [0, -1, 2 ** 30, Number.NaN]) expect(table.identify(pid)).toBeNull()
    })

    it('tells whether a signal is ignored, or that it cannot tell [PTY-7]', async () => {
      const pid = await start(['sh', '-c', 'trap "" TERM; trap : INT; echo ready; read x'])
      await once(children[0]?.stdout ?? process.stdin, 'data')
      const identity = identityOf(pid)
      const ignores = (of: typeof identity, signal: NodeJS.Signals): boolean | null => table.ignores?.(of, signal) ?? null
      expect(ignores(identity, 'SIGTERM')).toBe(isLinux ? true : null)
      for (const signal of ['SIGINT', 'SIGHUP', 'SIGKILL'] as const) expect(ignores(identity, signal)).toBe(isLinux ? false : null)
      expect(ignores({ ...identity, startTime: 'other' }, 'SIGTERM')).toBe(isLinux ? false : null)
    })

    it('finds the processes whose mark starts with a prefix, oldest first [PTY-15]', async () => {
      const first = await start(['sleep', '3600'])
      const second = await start(['sleep', '3601'], { OTHER: 'x', SIGNALBOX_MARK: `${mark}2`, MORE: 'SIGNALBOX_MARK=no' })
      await start(['sleep', '3602'], { SIGNALBOX_MARK: `x${mark}` })
      await start(['sleep', '3603'], { XSIGNALBOX_MARK: mark })
      await until('all have become sleep', async () => (await table.findByMark(mark)).every(({ command }) => command.startsWith('sleep')))
      const found = await table.findByMark(mark)
      expect(found.map(({ pid, command, mark: own }) => ({ pid, command, own }))).toEqual([
        { pid: first, command: 'sleep 3600', own: mark },
        { pid: second, command: 'sleep 3601', own: `${mark}2` },
      ])
      expect(found[0]).toMatchObject({ ...identityOf(first), ppid: process.pid, state: expect.stringMatching(/^[RSD]$/) })
    })

    it('finds a process that left its parent and its session behind [PTY-9]', async () => {
      await start(['sh', '-c', '(setsid sleep 3600 &) ; read x'])
      await until('the daemon is there', async () => (await table.findByMark(mark)).some(({ command }) => command === 'sleep 3600'))
      for (const info of await table.findByMark(mark)) table.signal(info, 'SIGKILL')
      await until('none is left', async () => (await table.findByMark(mark)).length === 0)
    })

    it('finds a chain of processes that keep forking and ending while it looks [PTY-9]', async () => {
      // Each link lives a moment only: a single listing of the pids would often miss the living one.
      await start(['sh', '-c', 'L=\'[ -e "$0" ] && exec 2>/dev/null; sh -c "$L" x & exit\'; export L; sh -c "$L" x & sleep 3600'])
      const counts = []
      for (let look = 0; look < 20; look += 1) counts.push((await table.findByMark(mark)).length)
      expect(Math.min(...counts)).toBeGreaterThan(0)
      await until('the chain is broken', async () => {
        const found = await table.findByMark(mark)
        for (const info of found) table.signal(info, 'SIGSTOP')
        for (const info of found) table.signal(info, 'SIGKILL')
        return found.length === 0
      })
    })

    const rooted = (pid: number) => ({ leader: identityOf(pid), mark })
    /** Linux and macOS both tell of trees. */
    const treesOf = (): ProcessTrees => {
      const trees = table.trees?.()
      if (trees === undefined) throw new Error('it does not tell of trees')
      return trees
    }
    /** Looks until a tree is as wanted. */
    const untilTree = async (
      trees: ProcessTrees,
      pid: number,
      what: string,
      is: (tree: readonly ProcessSample[]) => boolean,
    ): Promise<readonly ProcessSample[]> => {
      const root = rooted(pid)
      let tree: readonly ProcessSample[] = []
      await until(what, async () => {
        tree = (await trees.look([root]))[0] ?? []
        return is(tree)
      })
      return tree
    }

    it('sees a process and what it started as one tree, with its figures, each tree in its place [PTY-18]', async () => {
      const trees = treesOf()
      const one = await start(['sh', '-c', 'sleep 3600 & sh -c "sleep 3601; true" & wait'])
      const other = await start(['sleep', '3602'], { SIGNALBOX_MARK: `${mark}2` })
      const tree = await untilTree(trees, one, 'all of it run', (found) => found.filter(({ argv }) => argv[0] === 'sleep').length === 2)
      expect(tree.map(({ argv }) => argv.join(' ')).sort()).toEqual([
        'sh -c sleep 3600 & sh -c "sleep 3601; true" & wait',
        'sh -c sleep 3601; true',
        'sleep 3600',
        'sleep 3601',
      ])
      const leader = tree.find(({ pid }) => pid === one)
      expect(leader).toMatchObject({ ...identityOf(one), ppid: process.pid, state: 'S' })
      for (const { rssBytes, sharedBytes, cpuMs } of tree) {
        expect(rssBytes).toBeGreaterThan(10_000)
        expect(sharedBytes).toBeLessThanOrEqual(rssBytes)
        expect(cpuMs).toBeGreaterThanOrEqual(0)
      }
      const both = await trees.look([{ leader: identityOf(other), mark: `${mark}2` }, rooted(one)])
      expect(both.map((each) => each.length)).toEqual([1, 4])
      expect(both[0]?.[0]).toMatchObject({ pid: other, argv: ['sleep', '3602'] })
    })

    it('keeps what left its parent, and lets go of what has ended [PTY-18]', async () => {
      const trees = treesOf()
      const pid = await start(['sh', '-c', '(sleep 3600 & read x) ; read x'])
      await untilTree(trees, pid, 'its child has a child', (found) => found.length === 3)
      children[0]?.stdin?.write('go\n')
      const tree = await untilTree(trees, pid, 'the one between has ended', (found) => found.length === 2)
      const orphan = tree.find(({ argv }) => argv[0] === 'sleep')
      expect(orphan?.ppid).not.toBe(pid)
      table.signal(orphan as ProcessSample, 'SIGKILL')
      await untilTree(trees, pid, 'it is alone', (found) => found.length === 1)
    })

    it('sees what is stopped, and a zombie that nobody has waited for [PTY-18]', async () => {
      const trees = treesOf()
      const pid = await start(['sh', '-c', 'sleep 0 & exec sleep 3600'])
      await untilTree(trees, pid, 'its child is a zombie', (found) => found.some(({ pid: one, state }) => one !== pid && state === 'Z'))
      table.signal(identityOf(pid), 'SIGSTOP')
      await untilTree(trees, pid, 'it is stopped', (found) => found.some(({ pid: one, state }) => one === pid && state === 'T'))
    })

    it('counts CPU time of those that live, and of those that were waited for [PTY-18]', async () => {
      const trees = treesOf()
      const child = 'i=0; while [ $i -lt 600000 ]; do i=$((i+1)); done'
      const pid = await start(['sh', '-c', `sh -c '${child}'; echo done; while :; do :; done`])
      await once(children[0]?.stdout ?? process.stdin, 'data')
      const tree = await untilTree(trees, pid, 'it has used CPU itself', ([leader]) => (leader?.cpuMs ?? 0) >= 20)
      const [leader] = tree
      // where the platform tells of them
      if (isLinux) expect(leader?.childrenCpuMs).toBeGreaterThan(0)
    })

    it('knows a daemon by its mark, among those that have no environment [PTY-18, PTY-9]', async ({ skip }) => {
      skip(!isLinux, 'only on Linux are marks looked at')
      const trees = treesOf()
      const bare = await start(['env', '-i', 'sleep', '3598'])
      const pid = await start(['sh', '-c', 'read x; (setsid sh -c "setsid sleep 3600 & exit" &); read x'])
      await untilTree(trees, pid, 'it is there', (found) => found.length === 1)
      children.at(-1)?.stdin?.write('go\n')
      const tree = await untilTree(trees, pid, 'its daemon is known', (found) => found.some(({ argv }) => argv.join(' ') === 'sleep 3600'))
      expect(tree.some((one) => one.pid === bare)).toBe(false)
    })

    it('has nothing for a process that has ended, and for another of the same pid [PTY-14]', async () => {
      const trees = treesOf()
      const pid = await start(['sleep', '3600'])
      const root = rooted(pid)
      const others = [
        { ...root, leader: { ...root.leader, startTime: `${root.leader.startTime}0` }, mark: 'ws_x/pt_y/1' },
        { ...root, leader: { ...root.leader, bootId: 'another-boot' }, mark: 'ws_x/pt_y/2' },
      ]
      expect((await trees.look([root, ...others])).map((tree) => tree.length)).toEqual([1, 0, 0])
      table.signal(root.leader, 'SIGKILL')
      await until('it is gone', async () => ((await trees.look([root]))[0] ?? []).length === 0)
      expect(await trees.look([])).toEqual([])
    })
  })
}
