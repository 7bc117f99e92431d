import fc from 'fast-check'

const { SIGNALBOX_SEED: seed } = process.env
if (seed !== undefined) fc.configureGlobal({ seed: Number(seed) })
