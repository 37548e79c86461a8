import type { TraceExporter } from "./spans.ts";

/** Number of values of the part of a trace's id that decides about sampling. */
const VALUES = 2 ** 32;

/**
 * Returns the sampler of a name.
 *
 * @param name A value of `OTEL_TRACES_SAMPLER`.
 * @param ratio Share of the traces that samplers named `traceidratio` sample.
 */
export function sampler(name: string, ratio: number): TraceExporter["isSampled"] {
	const root = name.replace(/^parentbased_/, "");
	// The same rule as in OpenTelemetry's SDK for JavaScript, so that programs with the same ratio sample the same traces.
	const bound = ratio === 1 ? VALUES : Math.floor(ratio * (VALUES - 1));
	const decide = (trace_id: string) =>
		root === "traceidratio" ? foldedId(trace_id) < bound : root === "always_on";
	return root === name ? decide : (trace_id, parent) => (parent ? parent.isSampled : decide(trace_id));
}

/** Returns the share of new traces that a sampler samples. */
export function shareOf(name: string, ratio: number): number {
	return name.endsWith("traceidratio") ? ratio : Number(name.endsWith("always_on"));
}

/** Returns the exclusive or of the four words of a trace's id. */
function foldedId(trace_id: string): number {
	let folded = 0;
	for (let place = 0; place < 32; place += 8) {
		folded ^= Number.parseInt(trace_id.slice(place, place + 8), 16);
	}
	return folded >>> 0;
}
