import type { ServiceBroker } from "moleculer";

// Names of the metrics of a process, as `npm run status` reads them.

/** Counter of the calls that this process has run, requests to its gateway included. */
export const CALLS_METRIC = "toko.calls.total";
/** Gauge of the processor time that this process has used, in milliseconds; at most half a second old. */
export const PROCESSOR_METRIC = "toko.processor.ms";
/** Counter of responses by source: `hit` (cached), `miss`, or `stale` (cached, service unavailable). */
export const RESPONSES_METRIC = "toko.answers.total";
/** Counter of messages that failed permanently, by `channel` and `type`. */
export const FAILED_MESSAGES_METRIC = "toko.messages.failed.total";

/** Counts a message that failed permanently. `dcall NODE $node.metrics` in the REPL shows the count. */
export function countFailedMessage({ metrics }: ServiceBroker, channel: string, type: string): void {
	if (!metrics.getMetric(FAILED_MESSAGES_METRIC)) {
		metrics.register({
			type: "counter",
			name: FAILED_MESSAGES_METRIC,
			labelNames: ["channel", "type"],
			description: "Messages that failed permanently",
		});
	}
	metrics.increment(FAILED_MESSAGES_METRIC, { channel, type });
}
