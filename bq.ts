// quick bench
import { directScheduler } from './src/adapters/schedulers/direct-scheduler.adapter.ts'
import { nactScheduler } from './src/adapters/schedulers/nact-scheduler.adapter.ts'
import { latencyOf, rateOf, rawSinks, rawSpawns, restarts, sinks, spawns } from './bench/kernel-systems.ts'
import v8 from 'node:v8'; import vm from 'node:vm'
v8.setFlagsFromString('--expose-gc'); globalThis.gc = vm.runInNewContext('gc')
const p50=(a: number[])=>a.sort((x,y)=>x-y)[a.length>>1]!
const which = process.argv[2] ?? 'all'
const has=(n:string)=>which==='all'||which.split(',').includes(n)
const n = await sinks(nactScheduler(),1), d = await sinks(directScheduler(),1), raw = rawSinks(0)
for (let round=0;round<5;round++){
  const o: Record<string,number>={}
  if(has('ask')){o.askN=p50(await latencyOf(20000,n.ask));o.askD=p50(await latencyOf(20000,d.ask));o.askRaw=p50(await latencyOf(20000,raw.ask));o.askRatio=o.askN/o.askRaw}
  if(has('way')){o.wayN=p50(await rateOf(50,n.tell,n.ask))/1e6;o.wayD=p50(await rateOf(50,d.tell,d.ask))/1e6}
  if(has('restart')){o.resN=p50(await restarts(nactScheduler(),2000));o.resD=p50(await restarts(directScheduler(),2000))}
  if(has('spawn')){const c=10000;o.spN=c/(await spawns(nactScheduler(),c)).ms;o.spD=c/(await spawns(directScheduler(),c)).ms;o.spRaw=c/(await rawSpawns(c)).ms;o.spRN=o.spN/o.spRaw;o.spRD=o.spD/o.spRaw
   o.bN=(await spawns(nactScheduler(),c,true)).bytes/c;o.bD=(await spawns(directScheduler(),c,true)).bytes/c}
  console.log(Object.entries(o).map(([k,v])=>k+' '+v.toFixed(2)).join('  '))
}
process.exit(0)
