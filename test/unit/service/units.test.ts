import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { WorkspaceId } from '../../../src/protocols/ids.ts'
import { launchdAgent, systemdUnit } from '../../../src/runtime/service/units.ts'

const base = mkdtempSync(join(tmpdir(), 'signalbox-units-'))
afterAll(() => rmSync(base, { recursive: true }))

const HOSTILE = `a b $HOME \${X} %h 100%% "q" 'q' \\n ; # & <x> é`
const root = join(base, HOSTILE)
const program = join(root, 'pro gram')
const input = {
  workspaceId: 'ws_01J9ZC3K6Q4WZP2J9ZC3K6Q4WZ' as WorkspaceId,
  root,
  argv: ['/bin/sh', program, 'up', '--foreground', '$1', '%i'],
  env: { HOME: '/h/u', PATH: '/usr/bin:/o "dd"%', XDG_STATE_HOME: '', XDG_CONFIG_HOME: 'relative' },
}

/** Reads a command line as systemd.syntax(7) and systemd.service(5) say. */
const unquote = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"/gsu)].map(([, word = '']) =>
    word.replace(/\\(.)/gsu, '$1').replaceAll('%%', '%').replace(/\$\$/gu, '$'),
  )

const has = (command: string): boolean => spawnSync(command, ['--version']).status === 0

describe('the systemd unit', () => {
  const unit = systemdUnit(input)

  it('names program, directory and environment so that systemd reads them as they are', () => {
    const line = (key: string): string => new RegExp(`^${key}=(.*)$`, 'mu').exec(unit.text)?.[1] ?? ''
    expect(unquote(line('ExecStart'))).toEqual(['/bin/sh', '-c', 'exec "$0" "$@"', ...input.argv])
    expect(line('WorkingDirectory').replaceAll('%%', '%')).toBe(root)
    expect(unquote(line('Environment'))).toEqual([`PATH=${input.env.PATH}`])
    expect(unit.text.match(/^Environment=/gmu)).toHaveLength(1)
    expect(unit.text).toContain('\nKillMode=process\n')
    expect(unit.path).toBe('/h/u/.config/systemd/user/signalbox-ws_01j9zc3k6q4wzp2j9zc3k6q4wz.service')
  })

  it.skipIf(!has('systemd-analyze'))('is taken by systemd itself (needs systemd-analyze)', () => {
    mkdirSync(root, { recursive: true })
    writeFileSync(program, '#!/bin/sh\n')
    chmodSync(program, 0o755)
    const file = join(base, 'signalbox-test.service')
    writeFileSync(file, systemdUnit({ ...input, argv: [program, 'up', '$1', '%i'] }).text)
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' })
    expect(stderr.split('\n').filter((line) => line.includes('signalbox-test'))).toEqual([])
    expect(status).toBe(0)
    writeFileSync(file, unit.text.replace('WorkingDirectory=/', 'WorkingDirectory='))
    expect(spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' }).stderr).toContain('WorkingDirectory')
  })

  it.each(['a\nExecStartPre=/bin/evil', 'a\u0000b', 'a '])('refuses a path that it cannot hold: %j', (name) => {
    const odd = { ...input, root: join(base, name) }
    expect(() => systemdUnit(odd)).toThrow(/cannot stand in a service file/u)
    expect(() => launchdAgent(odd)).toThrow(/cannot stand in a service file/u)
  })
})

describe('the launchd agent', () => {
  it('is XML that holds every word as it is', () => {
    const { text, path, enable } = launchdAgent(input)
    const words = [...text.matchAll(/<string>(.*?)<\/string>/gsu)].map(([, word = '']) =>
      word.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&'),
    )
    expect(words).toEqual(['signalbox.ws_01j9zc3k6q4wzp2j9zc3k6q4wz', ...input.argv, root, input.env.PATH])
    expect(text.replace(/&(amp|lt|gt);/gu, '')).not.toContain('&')
    expect(path).toBe('/h/u/Library/LaunchAgents/signalbox.ws_01j9zc3k6q4wzp2j9zc3k6q4wz.plist')
    expect(enable[0]?.at(-1)).toBe(path)
  })
})
