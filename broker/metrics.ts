import type { ServiceBroker } from "moleculer";

// The names of what a process counts, for `npm run status`.

/** The calls that this process has run, and the requests that its gateway has taken. */
export const CALLS_METRIC = "toko.calls.total";
/** The processor time that this process has used, in milliseconds, as of at most a moment ago. */
export const PROCESSOR_METRIC = "toko.processor.ms";
/** Where answers came from: `kept` (the cache), `service`, or `stale` (the cache, and the service is unavailable). */
export const RESPONSES_METRIC = "toko.answers.total";
/** Messages that failed for good, by `channel` and `type`. */
export const FAILED_MESSAGES_METRIC = "toko.messages.failed.total";

/** Counts a message that failed for good: `dcall NODE $node.metrics` in the REPL shows how many did. */
export function countFailedMessage({ metrics }: ServiceBroker, channel: string, type: string): void {
	if (!metrics.getMetric(FAILED_MESSAGES_METRIC)) {
		metrics.register({
			type: "counter",
			name: FAILED_MESSAGES_METRIC,
			labelNames: ["channel", "type"],
			description: "Messages that failed for good",
		});
	}
	metrics.increment(FAILED_MESSAGES_METRIC, { channel, type });
}
