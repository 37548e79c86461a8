import { LRUCache } from "lru-cache";
import { errorTypeOf } from "../errors/kinds.ts";
import { lastErrors } from "./metrics.ts";

/** Number of sources with their errors that are remembered, the latest ones. */
const REMEMBERED = 20;

const latest = new LRUCache<string, [labels: { source: string; error_type: string }, seconds: number]>({
	max: REMEMBERED,
});

lastErrors.add(() => [...latest.values()]);

/**
 * Remembers when an action or event has failed.
 *
 * @param source Name of the action, or of the event and the service that handles it.
 */
export function rememberError(source: string, error: unknown): void {
	const labels = { source, error_type: errorTypeOf(error) };
	latest.set(`${source} ${labels.error_type}`, [labels, Date.now() / 1000]);
}
