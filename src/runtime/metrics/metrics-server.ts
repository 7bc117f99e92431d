import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { loopbackAddress } from '../../protocols/loopback.ts'
import { OPEN_METRICS_TYPE } from './open-metrics.ts'

/** For who reads them, which is one program or two. */
const MOST_CONNECTIONS = 32

/** A name that a page of a browser made to mean this machine is not answered. */
const isOurs = (host: string | undefined): boolean => {
  const name = (host ?? '').toLowerCase().replace(/:\d+$/u, '')
  return name === 'localhost' || loopbackAddress(`${name}:0`) !== null
}

const answer = async (request: IncomingMessage, response: ServerResponse, text: () => Promise<string>): Promise<void> => {
  const refuse = (status: number, why: string): void => void response.writeHead(status, { 'content-type': 'text/plain' }).end(`${why}\n`)
  if (!isOurs(request.headers.host)) return refuse(403, 'ask by a loopback address')
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'GET is what there is')
  if (request.url?.split('?', 1)[0] !== '/metrics') return refuse(404, 'see /metrics')
  try {
    const body = await text()
    response.writeHead(200, { 'content-type': OPEN_METRICS_TYPE, 'cache-control': 'no-store' })
    response.end(request.method === 'HEAD' ? undefined : body)
  } catch (error) {
    refuse(503, error instanceof Error ? error.message : String(error))
  }
}

/** Serves `/metrics`. @param listen a loopback address; rejects when it is taken */
export const serveMetrics = async (
  listen: { readonly host: string; readonly port: number },
  text: () => Promise<string>,
): Promise<{ readonly url: string; close(): Promise<void> }> => {
  const server = createServer((request, response) => void answer(request, response, text))
  server.maxConnections = MOST_CONNECTIONS
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(listen, resolve))
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port
  return {
    url: `http://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
