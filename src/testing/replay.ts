import { existsSync } from 'node:fs'
import { missingProperty, moduleOf, readCounterexample } from './counterexample.ts'
import { loadProperties } from './load-properties.ts'
import { rerun, type Rerun } from './run-property.ts'

/** What a replay gave: whether the property holds now, and each line of what happened. */
export type Replay = Rerun & { readonly title: string; readonly module: string }

/**
 * Runs a counterexample again, with the code as it is now.
 * @param file as `signalbox fuzz` or a failing property wrote it
 * @param tell gets each line as it happens: the steps of the simulation, and what each led to
 * @throws ERR_COUNTEREXAMPLE_INVALID when the file or what it names is not there
 */
export const replay = async (file: string, tell: (line: string) => void = () => {}): Promise<Replay> => {
  const counterexample = readCounterexample(file)
  const module = moduleOf(file, counterexample, existsSync)
  const tested = (await loadProperties(module)).find(({ title }) => title === counterexample.property)
  if (tested === undefined) throw missingProperty(file, counterexample)
  return { ...(await rerun(tested, counterexample, tell)), title: tested.title, module }
}
