import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

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
