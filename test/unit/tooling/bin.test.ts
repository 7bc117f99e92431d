import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

const source = resolve(import.meta.dirname, '../../../bin/signalbox.js')
const made: string[] = []

/** An installation with bin/signalbox.js as it is and another CLI behind it. */
const installation = (main: string | null): { bin: string; directory: string } => {
  const directory = join(mkdtempSync(join(tmpdir(), 'signalbox bin ü-')), 'it')
  made.push(join(directory, '..'))
  mkdirSync(join(directory, 'bin'), { recursive: true })
  mkdirSync(join(directory, 'dist/cli'), { recursive: true })
  mkdirSync(join(directory, 'node_modules/.bin'), { recursive: true })
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  copyFileSync(source, join(directory, 'bin/signalbox.js'))
  if (main !== null) writeFileSync(join(directory, 'dist/cli/main.js'), `export const main = async (argv) => { ${main} }`)
  symlinkSync(process.execPath, join(directory, 'node_modules/.bin/node'))
  return { bin: join(directory, 'bin/signalbox.js'), directory }
}

/** A PATH on which `node` is something that must not run. */
const withBadNode = (directory: string): NodeJS.ProcessEnv => {
  const path = join(directory, 'path')
  mkdirSync(path)
  writeFileSync(join(path, 'node'), '#!/bin/sh\necho "the wrong node" >&2\nexit 99\n')
  chmodSync(join(path, 'node'), 0o755)
  return { ...process.env, PATH: `${path}:${process.env['PATH'] ?? ''}` }
}

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

describe('bin/signalbox.js', () => {
  it('runs main with the arguments as they are and exits with what it resolves to', () => {
    const { bin } = installation('console.log(JSON.stringify(argv)); return 3')
    const args = ['run', '', 'a b', '*', '$HOME', '"', "it's", 'ü\n']
    const { status, stdout } = spawnSync(bin, args, { encoding: 'utf8' })
    expect(JSON.parse(stdout)).toEqual(args)
    expect(status).toBe(3)
  })

  it('takes the node of its own installation before the one on the PATH, also through a link', () => {
    const { bin, directory } = installation('console.log(process.execPath); return 0')
    const link = join(directory, 'link to it')
    symlinkSync(bin, link)
    const env = withBadNode(directory)
    for (const command of [bin, link]) {
      const { status, stderr } = spawnSync(command, [], { encoding: 'utf8', env })
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    }
  })

  it('takes the node on the PATH where its installation has none', () => {
    const { bin, directory } = installation('return 0')
    rmSync(join(directory, 'node_modules'), { recursive: true })
    expect(spawnSync(bin, [], { encoding: 'utf8', env: withBadNode(directory) })).toMatchObject({ status: 99, stderr: 'the wrong node\n' })
  })

  it('is one process: the pid that was started receives signals itself', async () => {
    const { bin } = installation(
      "process.on('SIGUSR2', () => { console.log('got it'); process.exit(7) }); console.log(process.pid); setInterval(() => {}, 1e6); return await new Promise(() => {})",
    )
    const child = spawn(bin, [], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      if (output === '') child.kill('SIGUSR2')
      output += data.toString()
    })
    const code = await new Promise((done) => child.on('close', done))
    expect(output).toBe(`${child.pid}\ngot it\n`)
    expect(code).toBe(7)
  })

  it('tells on a Node that is too old what to do, with exit code 4', () => {
    const { bin, directory } = installation('return 0')
    // What an old Node sees: its own version.
    const pretend = join(directory, 'pretend.cjs')
    writeFileSync(pretend, "Object.defineProperty(process.versions, 'node', { value: '24.17.9' })")
    const { status, stderr } = spawnSync(process.execPath, ['--require', pretend, bin], { encoding: 'utf8' })
    expect(stderr).toContain('ERR_NODE_TOO_OLD: this is Node.js 24.17.9')
    expect(stderr).toContain('Use Node.js 24.18 or later')
    expect(status).toBe(4)
  })

  it('tells that it is not built, with exit code 4', () => {
    const { bin } = installation(null)
    const { status, stderr } = spawnSync(bin, [], { encoding: 'utf8' })
    expect(stderr).toContain('run script/setup')
    expect(status).toBe(4)
  })

  it('ends with 1 and the stack when main throws', () => {
    const { bin } = installation("throw new Error('broken')")
    const { status, stderr } = spawnSync(bin, [], { encoding: 'utf8' })
    expect(stderr).toContain('Error: broken\n    at')
    expect(status).toBe(1)
  })
})
