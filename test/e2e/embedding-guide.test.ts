import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProcessTable } from '../../src/adapters/process-table.ts'
import { readHostRecord } from '../../src/runtime/host/host-record.ts'
import { until } from '../helpers/cli.ts'
import { gitTestEnv } from '../helpers/git-repo.ts'

const root = resolve(import.meta.dirname, '../..')
const guide = readFileSync(join(root, 'docs/guide/embedding.md'), 'utf8')
const supervision = readFileSync(join(root, 'docs/guide/supervision.md'), 'utf8')
const place = mkdtempSync(join(tmpdir(), 'signalbox-embedding-'))
afterAll(() => rmSync(place, { recursive: true }))

const node = async (...args: string[]): Promise<string> => (await promisify(execFile)(process.execPath, args, { cwd: place })).stdout

describe('the guides to the engine', () => {
  beforeAll(() => {
    execFileSync(process.execPath, [join(root, 'script/build.ts')], { cwd: root })
    mkdirSync(join(place, 'node_modules'))
    symlinkSync(root, join(place, 'node_modules/signalbox'))
    writeFileSync(join(place, 'package.json'), '{ "type": "module" }')
  }, 240_000)

  it('has an example that runs as it stands, and ends by itself [SUP-7, SUP-9]', async () => {
    writeFileSync(join(place, 'example.ts'), /```ts\n([^]*?)\n```/.exec(guide)?.[1] ?? '')
    expect((await node('example.ts')).trimEnd().split('\n')).toEqual([
      'trace: counter$1 sent',
      'trace: counter$1 handled',
      '{ total: 42 }',
      'trace: counter$1 sent',
      'counter crashed { n: -1 }',
      'counter restart 1/3',
      'ERR_ACTOR_RESTARTED',
      'trace: max',
      '{ total: 41 }',
      '1 restart',
      'counter shutdown ',
      'root shutdown',
    ])
  })

  it('has an example of a runtime whose terminals outlive it, and are taken over by the next [PTY-14]', async () => {
    const [, , code = ''] = guide.split('```ts\n').map((block) => block.split('\n```')[0])
    const state = join(place, 'state')
    const repository = join(place, 'repository')
    const env = { ...gitTestEnv(), XDG_STATE_HOME: state, XDG_RUNTIME_DIR: place }
    const git = (...args: readonly string[]) => execFileSync('git', ['-C', repository, ...args], { env })
    execFileSync('git', ['init', '--quiet', repository], { env })
    git('commit', '--quiet', '--allow-empty', '-m', 'start')
    const program = async (name: string, text: string): Promise<string> => {
      writeFileSync(join(place, name), text)
      return (await promisify(execFile)(process.execPath, [join(place, name)], { cwd: repository, env })).stdout
    }
    const example = code.replace('make watch', 'exec sleep 3600')
    expect(example).not.toBe(code)
    try {
      expect(await program('first.ts', example)).toBe('lanes that go on: 0, terminals: 0\nprocesses that live on: 1\n')
      expect(await program('second.ts', example)).toBe('lanes that go on: 1, terminals: 1\nprocesses that live on: 1\n')
    } finally {
      const open = code.split('\n').filter((line) => /^import|startRuntime|takeOver/u.test(line))
      await program('end.ts', open.join('\n'))
    }
    await until('the terminal host is gone', () => readHostRecord(join(repository, '.git'), createProcessTable()) === null)
  }, 60_000)

  it('of supervision shows what its example prints [SUP-3]', async () => {
    const [, code = '', printed] = /```ts\n([^]*?)\n```\n\n```\n([^]*?)```/.exec(supervision) ?? []
    writeFileSync(join(place, 'supervision.ts'), code)
    expect(await node('supervision.ts')).toBe(printed)
  })

  it('speaks of an engine that loads nothing of what plans need', async () => {
    const code = `
      import { registerHooks } from 'node:module'
      const loaded = new Set()
      registerHooks({ load: (url, context, next) => (loaded.add(url.split('/node_modules/').at(-1).split('/')[0]), next(url, context)) })
      await import('signalbox/supervision')
      console.log(['nact', 'zod', 'xstate', 'node-pty', 'yaml', 'simple-git', 'commander'].filter((name) => loaded.has(name)).join())`
    expect(await node('--input-type=module', '-e', code)).toBe('nact\n')
  })
})
