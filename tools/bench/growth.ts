import { CURVES, type Curve, type CurveName } from "./growth/curve.ts";
import { growHolds } from "./growth/holds.ts";
import { growOrders } from "./growth/orders.ts";
import { growProcesses } from "./growth/processes.ts";
import { growProducts } from "./growth/products.ts";
import { type Growth, printed, writeGrowth } from "./growth/report.ts";
import { cores } from "./machine.ts";

export interface GrowthOptions {
	curves: CurveName[];
	/** The highest level of products and orders. */
	most: number;
	/** The checkout that is measured. */
	directory: string;
	/** Where the report is written. */
	results: string;
}

/** Measures curves one after the other; what is done is printed and written, whatever becomes of the next. */
export async function measureGrowth(
	{ curves, most, directory, results }: GrowthOptions,
	say: (line: string) => void,
): Promise<Growth> {
	const growth: Growth = { begun_at: new Date().toISOString(), cores, node: process.version, curves: [] };
	const measure: Record<CurveName, () => Promise<Curve>> = {
		products: () => growProducts(most, say),
		holds: () => growHolds(directory, say),
		orders: () => growOrders(directory, most, say),
		processes: () => growProcesses(directory, say),
	};
	for (const name of CURVES.filter((one) => curves.includes(one))) {
		const curve = await measure[name]();
		growth.curves.push(curve);
		say(printed(curve, cores));
		say(`written: ${await writeGrowth(results, growth)}\n`);
	}
	return growth;
}

/** Whether some answer was not the expected one. */
export function hasUnexpected({ curves }: Growth): boolean {
	return curves.some(({ failed }) => Object.keys(failed).length > 0);
}
