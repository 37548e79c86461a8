// The names of what a process counts, for `npm run status`.

/** The calls that this process has run, and the requests that its gateway has taken. */
export const CALLS_METRIC = "toko.calls.total";
/** The processor time that this process has used, in milliseconds, as of at most a moment ago. */
export const PROCESSOR_METRIC = "toko.processor.ms";
/** Where answers came from: `kept` (the cache), `service`, or `stale` (the cache, and the service is unavailable). */
export const ANSWERS_METRIC = "toko.answers.total";
