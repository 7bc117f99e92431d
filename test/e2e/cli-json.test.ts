import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliWorld, makeCliWorld } from '../helpers/cli.ts'

// Whatever a CliWorld prints as JSON is checked against docs/reference/cli.schema.json: here what no other test has printed.
let world: CliWorld
let runtimeDirectory: string
beforeAll(async () => {
  world = await makeCliWorld()
  runtimeDirectory = mkdtempSync(join(tmpdir(), 'signalbox-run-'))
  world.env['XDG_RUNTIME_DIR'] = runtimeDirectory
  world.env['XDG_CONFIG_HOME'] = runtimeDirectory
  expect((await world.run(['up'])).code).toBe(0)
  expect((await world.run(['lane', 'add', 'docs'])).code).toBe(0)
  expect((await world.run(['term', 'spawn', 'docs', '--name', 'agent', '--', 'sleep', '1000'])).code).toBe(0)
})
afterAll(async () => {
  await world.run(['down'])
  await world.cleanup()
  rmSync(runtimeDirectory, { recursive: true, force: true })
})

describe('--json', () => {
  it.each([
    [['doctor'], 'doctor'],
    [['service', 'install', '--dry-run'], 'service'],
    [['service', 'uninstall', '--dry-run'], 'service'],
    [['config', 'explain', '--set', 'run.parallel=8'], 'config'],
    [['config', 'path'], 'config-path'],
    [['term', 'ls'], 'terminals'],
    [['term', 'send', 'docs/agent', 'text'], 'sent'],
    [['term', 'text', 'docs/agent', '--since', '0'], 'terminal-text'],
    [['term', 'search', 'docs/agent', 'text'], 'terminal-search'],
    [['term', 'kill', 'docs/agent', '--signal', 'INT'], 'signal'],
    [['suspend', 'bus'], 'suspend'],
    [['resume', 'bus'], 'resume'],
    [['stop', 'bus'], 'stop'],
    [['dead-letters'], 'dead-letters'],
  ])('of %j prints what the schema says', async (args, type) => {
    const { stdout, stderr } = await world.run([...args, '--json'])
    expect(stdout, stderr).not.toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ type })
  })
})
