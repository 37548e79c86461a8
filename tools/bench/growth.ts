import { CURVES, type Curve, type CurveName } from "./growth/curve.ts";
import { growHolds } from "./growth/holds.ts";
import { growOrders } from "./growth/orders.ts";
import { growProcesses } from "./growth/processes.ts";
import { growProducts } from "./growth/products.ts";
import { formatCurve, type Growth, writeGrowth } from "./growth/report.ts";
import { cores } from "./machine.ts";

export interface GrowthOptions {
	curves: CurveName[];
	/** Highest level of products and orders. */
	most: number;
	/** The checkout under measurement. */
	directory: string;
	/** Folder of the report. */
	results: string;
}

/**
 * Measures curves one after the other. Prints and writes each result at once, so that a later failure does not lose it.
 */
export async function measureGrowth(
	{ curves, most, directory, results }: GrowthOptions,
	log: (line: string) => void,
): Promise<Growth> {
	const growth: Growth = { begun_at: new Date().toISOString(), cores, node: process.version, curves: [] };
	const measure: Record<CurveName, () => Promise<Curve>> = {
		products: () => growProducts(most, log),
		holds: () => growHolds(directory, log),
		orders: () => growOrders(directory, most, log),
		processes: () => growProcesses(directory, log),
	};
	for (const name of CURVES.filter((one) => curves.includes(one))) {
		const curve = await measure[name]();
		growth.curves.push(curve);
		log(formatCurve(curve, cores));
		log(`written: ${await writeGrowth(results, growth)}\n`);
	}
	return growth;
}

/** Tells whether some response was unexpected. */
export function hasUnexpected({ curves }: Growth): boolean {
	return curves.some(({ failed }) => Object.keys(failed).length > 0);
}
