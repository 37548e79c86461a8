import { executionAsyncResource } from "node:async_hooks";

/*
 * Keeps `process.nextTick` fast. The programs of the shop's processes import this module first.
 *
 * Node.js (24.21) makes an object with computed keys for each tick. While no tick waits, V8 (13.6) collects the maps of these
 * objects as garbage, and makes new ones for the next tick. But code that defines a computed key is optimized for one map only: after
 * that, it takes the general way for as long as the process runs. A tick then takes six times as long, and a cached
 * response some 15 % more processor time. An object that stays keeps the maps.
 */

/** Objects of ticks that stay. */
export const keptTicks: object[] = [];

process.nextTick(() => keptTicks.push(executionAsyncResource()));
