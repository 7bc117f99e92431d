import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { figure, parseOpenMetrics } from '../../helpers/open-metrics.ts'
import { until } from '../run/run-kit.ts'
import { makeServiceWorld, type ServiceWorld } from './service-kit.ts'

type Answer = { readonly status: number; readonly type: string | undefined; readonly body: string }

const ask = (url: string, { method = 'GET', host }: { readonly method?: string; readonly host?: string } = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { method, agent: false, ...(host !== undefined && { headers: { host } }) }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => (body += part))
      response.once('end', () => resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], body }))
    })
    sent.once('error', reject).end()
  })

describe('metrics of an orchestrator', () => {
  let world: ServiceWorld
  beforeEach(async () => {
    world = await makeServiceWorld()
  })
  afterEach(() => world.cleanup())
  const settings = (text: string): void => writeFileSync(join(world.repo.root, 'signalbox.yaml'), text)
  const url = (): string => /metrics: (http:\S+)/u.exec(world.logText())?.[1] ?? ''

  it('are served as OpenMetrics text where they are switched on, of a lane with its terminal', async () => {
    settings('metrics: { listen: 127.0.0.1:0 }\n')
    await world.up({ TEST_FAULT: 'lane' })
    const answer = await ask(url())
    expect(answer).toMatchObject({ status: 200, type: 'application/openmetrics-text; version=1.0.0; charset=utf-8' })
    const figures = parseOpenMetrics(answer.body)
    expect(figure(figures, 'signalbox_lanes', { of: 'own', state: 'running' })).toBe(1)
    expect(figure(figures, 'signalbox_terminals', { state: 'active' })).toBe(1)
    expect(figure(figures, 'signalbox_terminal_processes')).toBeGreaterThanOrEqual(0)
    expect(figure(figures, 'signalbox_actors', { kind: 'pty', state: 'running' })).toBe(1)
    expect(figure(figures, 'signalbox_actors', { kind: 'journal', state: 'running' })).toBe(1)
    expect(figure(figures, 'signalbox_bus_recorded_events')).toBeGreaterThan(5)
    expect(figure(figures, 'signalbox_store_commits')).toBeGreaterThan(3)
    expect(figure(figures, 'signalbox_store_size_bytes', { file: 'database' })).toBeGreaterThan(0)
    expect(figure(figures, 'signalbox_start_time_seconds')).toBeGreaterThan(1e9)
    expect((await ask(url(), { method: 'HEAD' })).body).toBe('')
    for (const [name, { samples }] of figures) {
      for (const { labels } of samples) expect([name, ...Object.values(labels)].join(' ')).not.toMatch(/(?:ln|tm|pt|rn)_/u)
    }
  })

  it('are told to nobody but this machine: a name of elsewhere, another path or method is refused; rubbish harms nobody', async () => {
    settings("metrics: { listen: '127.0.0.1:0' }\n")
    await world.up()
    const { port, origin } = new URL(url())
    expect((await ask(url(), { host: `evil.example:${port}` })).status).toBe(403)
    expect((await ask(url(), { host: `127.0.0.1.evil.example:${port}` })).status).toBe(403)
    expect((await ask(url(), { host: `localhost:${port}` })).status).toBe(200)
    expect((await ask(url(), { method: 'POST' })).status).toBe(405)
    expect((await ask(`${origin}/`)).status).toBe(404)
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {}).resume()
    socket.write(Buffer.from([0, 255, 13, 10, 13, 10]))
    await new Promise((resolve) => socket.once('close', resolve))
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(url())))
    for (const { body } of answers) parseOpenMetrics(body)
    // Somebody who has asked and not gone keeps nothing from ending.
    const idle = connect(Number(port), '127.0.0.1')
    idle.on('error', () => {}).resume()
    await new Promise((resolve) => idle.once('connect', resolve))
    await world.down()
    expect(world.record()).toEqual({ living: null, dead: null })
    await expect(ask(`${origin}/metrics`)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('are kept in a file that is whole at any moment and gone at the end; a place that does not exist is told once', async () => {
    const file = join(world.base, 'figures — ours.prom')
    settings(`metrics: { file: ${JSON.stringify(file)} }\n`)
    await world.up()
    await until('it is there', () => existsSync(file))
    expect(figure(parseOpenMetrics(readFileSync(file, 'utf8')), 'signalbox_bus_subscribers')).toBeGreaterThan(0)
    expect(url()).toBe('')
    await world.down()
    expect(readdirSync(world.base).filter((name) => name.startsWith('figures'))).toEqual([])
    settings(`metrics: { file: ${JSON.stringify(join(world.base, 'none/x.prom'))} }\n`)
    await world.up()
    await until('it is told', () => world.logText().includes('x.prom is not up to date'))
    await world.down()
    expect(world.record()).toEqual({ living: null, dead: null })
  })

  it('at an address that is taken are told to be missing, and the orchestrator runs', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    try {
      settings(`metrics: { listen: '127.0.0.1:${(other.address() as AddressInfo).port}' }\n`)
      const { record } = await world.up()
      expect(record.state).toBe('ready')
      expect(world.logText()).toMatch(/metrics: not at 127\.0\.0\.1:\d+: .*EADDRINUSE/u)
    } finally {
      other.close()
    }
  })

  it.skipIf(process.platform !== 'linux')('that are switched off open nothing (looked at through /proc: Linux only)', async () => {
    const listening = (pid: number): readonly string[] => {
      const sockets = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        try {
          return [/^socket:\[(\d+)\]$/u.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? '']
        } catch {
          return []
        }
      })
      const rows = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1))
      return rows
        .map((row) => row.trim().split(/\s+/u))
        .filter(([, , , state, , , , , , inode = '-']) => state === '0A' && sockets.includes(inode))
        .map(([, local = '']) => local)
    }
    const off = await world.up()
    expect(listening(off.record.pid)).toEqual([])
    expect(world.logText()).not.toContain('metrics')
    await world.down()
    settings('metrics: { listen: 127.0.0.1:0 }\n')
    const on = await world.up()
    expect(listening(on.record.pid)).toEqual([expect.stringMatching(/^0100007F:/u)])
  })
})
