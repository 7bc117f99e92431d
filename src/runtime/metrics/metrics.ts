import type { Clock } from '../../ports/clock.port.ts'
import type { Settings } from '../../protocols/config.schema.ts'
import { loopbackAddress } from '../../protocols/loopback.ts'
import { families, type Measured } from './families.ts'
import { keepMetricsFile } from './metrics-file.ts'
import { serveMetrics } from './metrics-server.ts'
import { openMetricsText } from './open-metrics.ts'

type Parts = { readonly clock: Clock; /** Says where the figures are, and what goes wrong. */ readonly said: (text: string) => void }

/** Shows figures where the settings say. An address that is taken is told: no orchestrator fails for its figures. */
export const showMetrics = async ({ listen, file }: Settings['metrics'], measured: Measured, parts: Parts): Promise<AsyncDisposable> => {
  const text = async (): Promise<string> => openMetricsText(await families(measured))
  const shown: { close(): Promise<void> }[] = []
  const address = loopbackAddress(listen)
  if (address !== null) {
    try {
      const server = await serveMetrics(address, text)
      parts.said(`metrics: ${server.url}`)
      shown.push(server)
    } catch (error) {
      parts.said(`metrics: not at ${listen}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  if (file !== 'off') shown.push(keepMetricsFile(file, text, parts))
  return { [Symbol.asyncDispose]: async () => void (await Promise.all(shown.map((one) => one.close()))) }
}
