import { measureHolds } from "../holds.ts";
import { type Curve, type Figure, seriesOf } from "./curve.ts";

/** Measures the slowdown of reading and ordering a product with its number of open holds, like `bench -- holds`. */
export async function growHolds(directory: string, log: (line: string) => void): Promise<Curve> {
	const failed = new Map<string, number>();
	const costs = await measureHolds(directory, log, failed);
	return {
		name: "holds",
		title: "Open holds of one product",
		of: "open holds",
		levels: costs.map(({ holds }) => holds),
		series: seriesOf(
			costs.map(({ read_ms, order_ms }): Figure[] => [
				{ what: "a read of the product", unit: "ms", value: read_ms, isJudged: true },
				{ what: "an order of the product", unit: "ms", value: order_ms, isJudged: true },
			]),
		),
		notes: [],
		failed: Object.fromEntries(failed),
	};
}
