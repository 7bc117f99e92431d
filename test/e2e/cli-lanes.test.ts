import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BIN, type CliWorld, type Finished, makeCliWorld, until } from '../helpers/cli.ts'

let world: CliWorld
let runtimeDirectory: string
beforeAll(async () => {
  world = await makeCliWorld({ name: 'a repo — mit Lücken' })
  runtimeDirectory = mkdtempSync(join(tmpdir(), 'signalbox-run-'))
  world.env['XDG_RUNTIME_DIR'] = runtimeDirectory
  world.env['SHELL'] = '/bin/sh'
  expect((await world.run(['up'])).code).toBe(0)
})
afterAll(async () => {
  await world.run(['down'])
  await world.cleanup()
  rmSync(runtimeDirectory, { recursive: true, force: true })
})

type Json = Record<string, unknown>
const json = async (...args: string[]): Promise<Json> => {
  const [command = '', verb = '', ...rest] = args
  const { stdout, stderr } = await world.run([command, verb, '--json', ...rest])
  return stdout === '' ? { stderr } : (JSON.parse(stdout) as Json)
}
const lane = async (name: string): Promise<void> => {
  expect((await world.run(['lane', 'add', name])).code).toBe(0)
}
const helpKeys = async (...command: string[]): Promise<Set<string>> =>
  new Set([...(await world.run(['help', ...command])).stdout.matchAll(/"(\w+)"/gu)].map(([, key = '']) => key))
const keysOf = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(keysOf)
  return typeof value !== 'object' || value === null ? [] : Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)])
}
const logOf = async (terminal: string): Promise<string> => (await world.run(['term', 'logs', terminal])).stdout
/** The command with something on its stdin. */
const piped = (args: readonly string[], input: Buffer): Promise<number | null> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, [BIN, ...args], { cwd: world.repo.root, env: world.env, stdio: ['pipe', 'ignore', 'ignore'] })
    child.on('close', resolve)
    child.stdin.end(input)
  })

describe('signalbox lane', () => {
  it('add, ls, show and rm: by name, id, or the beginning of one; what they print in JSON is what their help says', async () => {
    const added = (await json('lane', 'add', 'first')) as { type: string; lane: { id: string; worktree: string; baseCommit: string } }
    expect(added).toMatchObject({ type: 'lane', lane: { name: 'first', state: 'ready', runId: null } })
    const told = await helpKeys('lane', 'add')
    expect(keysOf(added).filter((key) => !told.has(key))).toEqual([])
    await lane('second')
    expect(((await json('lane', 'ls')) as { lanes: Json[] }).lanes.map(({ name }) => name)).toEqual(['first', 'second'])
    expect((await world.run(['lane', 'ls'])).stdout).toMatch(/^LANE +ID +STATE +BRANCH +WORKTREE\nfirst +ln_\w+ +ready +signalbox\/first/u)
    for (const word of ['first', added.lane.id, added.lane.id.slice(0, 16).toLowerCase()]) {
      const found = await json('lane', 'show', word)
      // the two were made within the same few seconds: the beginning may be of both
      if (found['stderr'] !== undefined) expect(found['stderr']).toMatch(/2 lanes have an id that begins with/u)
      else expect(found).toMatchObject({ lane: { id: added.lane.id }, terminals: [] })
    }
    writeFileSync(join(added.lane.worktree, 'work in progress'), 'x')
    expect(await world.run(['lane', 'rm', 'first'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/work in progress[\s\S]*\nnext: /u),
    })
    rmSync(join(added.lane.worktree, 'work in progress'))
    expect(await world.run(['lane', 'rm', 'first'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^removed: lane first\n/u) })
    expect(await json('lane', 'rm', 'second')).toMatchObject({ type: 'lane-removed', summary: { name: 'second', worktree: null } })
    expect((await world.run(['lane', 'ls'])).stdout).toBe('no lanes; make one with: signalbox lane add NAME\n')
    expect((await world.run(['lane', 'ls', '--all'])).stdout).toMatch(/first .*closed/u)
  })

  it('says what was meant: 3 for what is not there, 2 for what cannot be', async () => {
    await lane('parser')
    expect(await world.run(['lane', 'show', 'parsre'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('did you mean "parser"?'),
    })
    expect(await world.run(['lane', 'add', 'parser'])).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') })
    expect((await world.run(['lane', 'add', 'a b'])).stderr).toMatch(/^signalbox: "a b" is not a name; [^\n]*\nnext: /u)
    for (const name of ['', 'a b', '../x', '-x']) expect((await world.run(['lane', 'add', '--', name])).code).toBe(2)
    expect((await world.run(['lane', 'add', 'other', '--base', 'no such branch'])).code).not.toBe(0)
    expect(await world.run(['lane', 'sow'])).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean show?') })
    expect((await world.run(['complete', '--', 'lane', 'show', 'p'])).stdout).toBe('parser\n')
    await world.run(['lane', 'rm', 'parser'])
  })
})

describe('signalbox lane rm --save, and lane undo', () => {
  const ENV_FILE = 'a.ignored'
  const inRepo = (...args: string[]): string => execFileSync('git', args, { cwd: world.repo.root, encoding: 'utf8' })

  it('removes a lane with all its work, and brings it back: files, index, branch, commits [LN-7]', async () => {
    const { lane: added } = (await json('lane', 'add', 'saved')) as { lane: { id: string; worktree: string; branch: string } }
    const inLane = (...args: string[]): string => execFileSync('git', args, { cwd: added.worktree, encoding: 'utf8' })
    writeFileSync(join(added.worktree, 'done'), 'x')
    inLane('add', 'done')
    inLane('-c', 'user.name=T', '-c', 'user.email=t@example.org', 'commit', '-qm', 'done')
    writeFileSync(join(added.worktree, 'done'), 'staged')
    inLane('add', 'done')
    writeFileSync(join(added.worktree, 'done'), 'and more')
    writeFileSync(join(added.worktree, 'draft'), 'y')
    inLane('config', '--local', 'core.excludesFile', join(world.repo.root, '.git', 'ignores'))
    writeFileSync(join(world.repo.root, '.git', 'ignores'), '*.ignored\n')
    writeFileSync(join(added.worktree, ENV_FILE), 'token')
    const before = [inLane('status', '--porcelain=v2', '--branch', '--ignored'), inLane('diff'), inLane('diff', '--cached')]
    expect((await world.run(['term', 'spawn', 'saved', '--name', 'sh', '--', 'sleep', '1000'])).code).toBe(0)

    expect((await world.run(['lane', 'rm', 'saved'])).stderr).toMatch(
      /lane saved stays: it holds 2 uncommitted files .*\nnext: .*lane rm --save/u,
    )
    expect(await json('term', 'ls', 'saved')).toMatchObject({ terminals: [{ name: 'sh', state: 'active' }] })
    expect((await world.run(['lane', 'rm', '--ignored', 'saved'])).stderr).toMatch(/^signalbox: --ignored says what --save saves/u)
    const removed = await world.run(['lane', 'rm', 'saved', '--save', '--ignored'])
    expect(removed.stdout).toBe(
      'removed: lane saved\n  all that it held is saved, with 1 commit; bring it back with: signalbox lane undo saved\n',
    )
    expect(existsSync(added.worktree)).toBe(false)
    expect(inRepo('branch', '--list', added.branch)).toBe('')
    inRepo('gc', '-q', '--prune=now')

    expect((await world.run(['lane', 'ls', '--removed'])).stdout).toMatch(
      /^LANE +ID +REMOVED +KEPT UNTIL +HOLDS\nsaved +ln_\w+ +[\d-]+T[\d:]+Z +[\d-]+ +1 commit, 2 uncommitted files\n$/u,
    )
    const listed = await json('lane', 'ls', '--removed')
    expect(listed).toMatchObject({ type: 'removed-lanes', lanes: [{ id: added.id, branch: added.branch, commits: 1 }] })
    const told = await helpKeys('lane', 'ls')
    expect(keysOf(listed).filter((key) => !told.has(key))).toEqual([])
    expect((await world.run(['complete', '--', 'lane', 'undo', ''])).stdout).toBe('saved\n')

    expect((await world.run(['lane', 'undo', 'save'])).stderr).toContain('did you mean "saved"?')
    const back = await world.run(['lane', 'undo', 'saved'])
    expect(back.stdout).toBe(
      `back: lane saved: branch ${added.branch} at ${inRepo('rev-parse', 'HEAD').slice(0, 12)}\n  ${added.worktree}\n`,
    )
    expect([inLane('status', '--porcelain=v2', '--branch', '--ignored'), inLane('diff'), inLane('diff', '--cached')]).toEqual(before)
    expect((await world.run(['lane', 'ls', '--removed'])).stdout).toMatch(/^no removed lanes are saved/u)
    expect(inRepo('for-each-ref', 'refs/signalbox')).toBe('')
    expect(await world.run(['lane', 'undo', 'saved'])).toMatchObject({ code: 3, stderr: expect.stringMatching(/no removed lane "saved"/u) })
    // It is a lane as any other.
    expect((await world.run(['term', 'spawn', 'saved', '--', 'true'])).code).toBe(0)
    expect((await world.run(['lane', 'rm', 'saved', '--save'])).code).toBe(0)
  })

  it('does not bring back over another lane of that name, and says what cannot be saved', async () => {
    await lane('saved')
    expect((await world.run(['lane', 'undo', 'saved'])).stderr).toMatch(/lane saved is there already/u)
    const { lane: other } = (await json('lane', 'show', 'saved')) as { lane: { worktree: string } }
    execFileSync('git', ['init', '-q', join(other.worktree, 'own')])
    expect(await world.run(['lane', 'rm', 'saved', '--save'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/cannot be saved: "own" is a repository of its own; move it elsewhere, or remove it\nnext: /u),
    })
    rmSync(join(other.worktree, 'own'), { recursive: true })
    expect((await world.run(['lane', 'rm', 'saved'])).code).toBe(0)
  })
})

describe('signalbox term', () => {
  it('spawn, ls, send, logs and kill: a command with its arguments as they are, and the shell of the user', async () => {
    await lane('tools')
    const spawned = await json(
      'term',
      'spawn',
      '--name',
      'echo',
      'tools',
      '--',
      'sh',
      '-c',
      'printf "<%s>\\n" "$@"; exec cat',
      'x',
      'a  b',
      '--json',
      'ü',
    )
    expect(spawned).toMatchObject({ type: 'terminal', terminal: { name: 'echo', lane: 'tools', state: 'active' } })
    const told = await helpKeys('term', 'spawn')
    expect(keysOf(spawned).filter((key) => !told.has(key))).toEqual([])
    await until('it has said its arguments', async () => (await logOf('echo')).startsWith('<a  b>\r\n<--json>\r\n<ü>\r\n'))
    expect((await world.run(['term', 'send', 'tools/echo', 'two', 'words'])).code).toBe(0)
    expect(await piped(['term', 'send', 'echo'], Buffer.from('from stdin ✓\n'))).toBe(0)
    // each twice: typed, and said by cat
    const lines = ['two words', 'from stdin ✓']
    await until('cat has said it too', async () => {
      const log = await logOf('echo')
      return lines.every((line) => log.split(`${line}\r\n`).length === 3)
    })
    expect((await world.run(['term', 'logs', 'echo', '--lines', '1'])).stdout).toBe('from stdin ✓\r\n')
    const log = (await json('term', 'logs', 'echo')) as { bytes: string; type: string }
    expect(Buffer.from(log.bytes, 'base64').toString()).toBe(await logOf('echo'))

    expect((await world.run(['term', 'spawn', 'tools'])).stdout).toMatch(/^terminal tools\/sh: active, pid \d+, \/bin\/sh\n/u)
    await world.run(['term', 'send', 'sh', 'echo "sum $((40 + 2))"'])
    await until('the shell has done it', async () => (await logOf('sh')).includes('sum 42'))
    const once = ['term', 'send', 'sh', 'echo once', '--key', 'K', '--paste', '--wait-for-prompt'] as const
    expect(await json(...once)).toMatchObject({ bytes: 9, receipt: { state: 'applied', appliedBytes: 10 } })
    expect(await json(...once)).toMatchObject({ bytes: 9, receipt: { state: 'applied', appliedBytes: 10 } })
    expect((await world.run(['term', 'send', 'sh', 'echo twice', '-k', 'K'])).code).toBe(2)
    await world.run(['term', 'send', 'sh', 'sleep 100'])
    await until('it is at no prompt', async () => {
      const { terminals } = (await json('term', 'health', 'sh')) as { terminals: { health: { condition: string } }[] }
      return !['waiting-for-input', 'at-prompt'].includes(terminals[0]?.health.condition ?? 'at-prompt')
    })
    expect(await world.run(['term', 'send', 'sh', 'late', '-w', '--limit', '0'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not read from its terminal'),
    })
    expect((await logOf('sh')).split('once').length).toBe(3)
    expect((await world.run(['term', 'ls', 'tools'])).stdout).toMatch(/^TERMINAL .*\ntools\/echo .*active, pid \d+ .*\ntools\/sh /u)
    expect((await world.run(['complete', '--', 'term', 'kill', 'tools/'])).stdout).toBe('tools/echo\ntools/sh\n')

    expect(await json('term', 'kill', 'echo', '--signal', 'int')).toMatchObject({ delivery: { signal: 'SIGINT', outcome: 'delivered' } })
    await until('it has ended', async () => (await world.run(['term', 'ls'])).stdout.includes('ended by SIGINT'))
    expect(await json('term', 'kill', 'sh')).toMatchObject({ terminal: { name: 'sh', pid: null } })
    expect(await json('term', 'kill', 'sh')).toMatchObject({ terminal: { name: 'sh', pid: null } })
    expect(await world.run(['term', 'send', 'sh', 'x'])).toMatchObject({ code: 2, stderr: expect.stringContaining('runs nothing now') })
    expect((await world.run(['term', 'spawn', 'tools', '-n', 'a b'])).stderr).toMatch(/^signalbox: name is not a name; /u)
    expect(await world.run(['term', 'spawn', 'tools', 'ls', '-la'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('goes after --'),
    })
    expect(await world.run(['term', 'logs', 'echo', '--attempt', '9'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('attempt 9'),
    })
    expect(await world.run(['term', 'kill', 'ecoh'])).toMatchObject({ code: 3, stderr: expect.stringContaining('did you mean "echo"?') })
    expect(await world.run(['term', 'kill', 'echo', '-s', 'KIL'])).toMatchObject({ code: 2, stderr: expect.stringContaining('SIGKILL?') })
    expect(await world.run(['term', 'spawn', 'tools', '--', 'no-such-program'])).toMatchObject({
      stdout: '',
      code: 2,
      stderr: expect.stringMatching(/no command "no-such-program"[\s\S]*\nnext: /u),
    })
    expect((await world.run(['lane', 'rm', 'tools'])).code).toBe(0)
    expect(world.marked()).toEqual([])
  })

  it('health: what each does, in 80 columns; of one all that is known; in JSON what its help says [PTY-18]', async () => {
    await lane('health')
    await world.run(['term', 'spawn', 'health', '--name', 'asks', '--', 'sh', '-c', 'read name'])
    await until('it asks', async () => (await world.run(['term', 'health', 'health/asks'])).stdout.includes('waits for input'))
    const { stdout } = await world.run(['term', 'health', 'health/asks'])
    expect(stdout).toMatch(/^health\/asks: waits for input, for \d+s\n {2}why +sh \(\d+\) is blocked in a read of its terminal\n/u)
    for (const word of ['responsive  yes', 'process ', 'memory ', 'quiet  ']) expect(stdout).toContain(word)
    expect((await world.run(['term', 'health'])).stdout).toMatch(/^TERMINAL +DOES +IDLE +CPU +MEMORY +PROCESSES +EVIDENCE\n/u)
    expect((await world.run(['term', 'ls', 'health'])).stdout).toMatch(/health\/asks +tm_\w+ +active, pid \d+ +waits for input +sh -c/u)
    const told = await helpKeys('term', 'health')
    const document = await json('term', 'health')
    expect(document).toMatchObject({ type: 'terminal-health' })
    expect(keysOf(document).filter((key) => !told.has(key))).toEqual([])
    expect((await world.run(['term', 'health', 'helth/asks'])).code).toBe(3)
    await world.run(['lane', 'rm', 'health'])
  })

  it('logs --follow gives each byte once, to the end of the process', async () => {
    await lane('talks')
    await world.run(['term', 'spawn', 'talks', '-n', 'seq', '--', 'sh', '-c', 'seq 1 3000; read go; seq 3001 60000; printf "\\377end"'])
    const followed = world.start(['term', 'logs', 'seq', '--follow', '--lines', '100000'])
    await until('the beginning is there', () => followed.output().includes('\r\n3000\r\n'))
    await world.run(['term', 'send', 'seq', 'go'])
    const { code, stdout, stderr } = await followed.finished
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const numbers = stdout.split('\r\n').filter((line) => /^\d+$/u.test(line))
    expect(numbers).toEqual(Array.from({ length: 60_000 }, (_, index) => String(index + 1)))
    expect(stdout).toMatch(/\ufffdend$/u)
    expect((await world.run(['term', 'logs', 'seq', '-f', '--lines', '2'])).stdout).toMatch(/^60000\r\n\ufffdend$/u)
    await world.run(['lane', 'rm', 'talks'])
  })
})

describe('signalbox events', () => {
  it('shows the newest, those of a topic, all since one, and what happens', async () => {
    const follow = world.start(['events', '--follow', '--topic', 'lane.*', '--json'])
    const parsed = (text: string): Json[] =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Json)
    await lane('seen')
    await world.run(['lane', 'rm', 'seen'])
    const ended = (event: Json): boolean => event['type'] === 'lane.ended' && JSON.stringify(event).includes('"seen"')
    await until('it is told', () => parsed(follow.output().replace(/[^\n]*$/u, '')).some(ended))
    follow.child.kill('SIGINT')
    await follow.finished
    const live = parsed(follow.output()).map(({ sequence }) => sequence)
    expect(live).toEqual([...new Set(live)])
    const all = parsed((await world.run(['events', '--since', '1', '--json'])).stdout)
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, index) => index + 1))
    const ofLanes = all.filter(({ type }) => String(type).startsWith('lane.')).map(({ sequence }) => sequence)
    expect(ofLanes.slice(-live.length)).toEqual(live)
    const newest = (await world.run(['events'])).stdout.trimEnd().split('\n')
    expect(newest.some((line) => /^ +\d+ {2}\d{4}-\d\d-\d\d \S+Z {2}seen +lane\.ended/u.test(line))).toBe(true)
    expect(newest.length).toBeLessThanOrEqual(50)
    expect(await world.run(['events', '--topic', 'no such topic'])).toMatchObject({ code: 2, stdout: '' })
    expect(await world.run(['events', '--topic', 'lane.creatd'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringContaining('did you mean lane.created?'),
    })
    expect(await world.run(['events', '--topic', 'lane.created', '--since', '100000'])).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: '',
    })
    const told = await helpKeys('events')
    expect(Object.keys(Object.assign({}, ...all) as object).filter((key) => !told.has(key))).toEqual([])
  })
})

describe('signalbox events of live topics', () => {
  it('tells how far output is to who asks for it, and to nobody else [PTY-13]', async () => {
    const asked = world.start(['events', '--follow', '--topic', 'pty.output', '--json'])
    const read = world.start(['events', '--follow', '--topic', 'pty.*'])
    const rest = world.start(['events', '--follow'])
    const all = [asked, read, rest]
    const clients = async (): Promise<number> =>
      (JSON.parse((await world.run(['status', '--json'])).stdout) as { counts: { clients: number } }).counts.clients
    await until('all follow', async () => (await clients()) === 2 * all.length)
    await lane('loud')
    await world.run(['term', 'spawn', 'loud', '--name', 'c', '--', 'sh', '-c', 'printf 12345; read x'])
    await until('it is told', () => asked.output().includes('"offset":5'))
    await world.run(['lane', 'rm', 'loud'])
    await until('the end is told', () => [read, rest].every((one) => one.output().includes('pty.exited')))
    for (const { child } of all) child.kill('SIGINT')
    const [line] = (await asked.finished).stdout.split('\n')
    expect(JSON.parse(line ?? '')).toMatchObject({
      type: 'pty.output',
      sequence: null,
      topicSequence: 1,
      payload: { lane: 'loud', command: 'c', attempt: 1, offset: 5 },
    })
    expect((await asked.finished).stderr).toBe('')
    expect((await read.finished).stdout).toMatch(/^ {3}live {2}\S+ \S+Z {2}loud\/c +pty\.output +attempt 1: 5 bytes so far$/mu)
    expect((await rest.finished).stdout).not.toContain('pty.output')
    expect(await world.run(['events', '--topic', 'pty.output'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'signalbox: pty.output is told while it happens, and not recorded: add --follow\n',
    })
  })
})

describe('without an orchestrator', () => {
  it.each([
    ['lane', 'ls'],
    ['term', 'ls'],
    ['term', 'send', 'x', 'y'],
    ['events', '--follow'],
  ])('%s %s: 3, and what to do', async (...args) => {
    const other = await makeCliWorld()
    try {
      const outcome: Finished = await other.run(args.filter((word) => word !== undefined))
      expect(outcome).toMatchObject({ code: 3, stderr: expect.stringMatching(/no orchestrator runs here[\s\S]*signalbox up/u) })
      expect((await other.run(['complete', '--', 'lane', 'show', ''])).stdout).toBe('')
    } finally {
      await other.cleanup()
    }
  })
})
