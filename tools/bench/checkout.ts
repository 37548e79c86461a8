import { cleanUp, client, type Request } from "../shop-process.ts";
import { caseOf } from "./cases.ts";
import type { Turn } from "./load.ts";
import { LoadProcess } from "./load-process.ts";
import { adminToken, logInAll, type Side, startShop } from "./side.ts";
import { addTo, median } from "./statistics.ts";

/** Throughput of orders with all that decides a price, as medians of the ratios of neighbouring turns. */
export interface CheckoutRatios {
	/** Plain orders per second, divided by orders per second with a voucher, a method of shipping and tax. */
	cost: number;
	/** Orders per second that all use one voucher, divided by those without a voucher. */
	hot: number;
}

/** Limits of the ratios that count as good. */
export const COST_MAX = 1.3;
export const HOT_MIN = 1 / 3;

const CONNECTIONS = 32;
/** Duration of a turn: short, since what else the machine does changes within seconds. */
const SECONDS = 1;
const TURNS_A_ROUND = 4;
const DRAIN_MS = 90_000;
/** Number of vouchers of which neighbouring orders use different ones. */
const VOUCHERS = 200;
const HOT_VOUCHER = "SEMUA";

const METHOD = {
	code: "reguler",
	name: "Reguler",
	zones: [{ country: "ID" }],
	bands: [{ up_to_g: 30_000, fee: 9_000 }],
	eta_days: 3,
};
const TERMS = {
	shipping_method: METHOD.code,
	address: {
		recipient: "Budi Santoso",
		phone: "+6281234567890",
		line1: "Jalan Kopi 7",
		city: "Bandung",
		province: "Jawa Barat",
		postal_code: "40115",
		country: "ID",
	},
};

type Kind = "plain" | "voucher" | "no voucher" | "one voucher";

/** Measures in turn orders of a plain shop, and those of a shop with vouchers, shipping and tax. */
export async function measureCheckout(
	{ directory, rounds }: { directory: string; rounds: number },
	log: (line: string) => void,
	failed: Map<string, number>,
): Promise<CheckoutRatios> {
	const load = new LoadProcess();
	const sides: Side[] = [];
	try {
		const start = async (name: string, environment: Record<string, string>): Promise<Side> => {
			const side = await startShop(name, directory, "one", await load.do("sink"), { environment });
			sides.push(side);
			log(`started a shop: ${name}`);
			return side;
		};
		const plain = await start("plain", {});
		const full = await start("with voucher, shipping and tax", { TAX_RATE: "11" });
		const vouchers = await prepare(full);
		const turns: [Kind, Side, Partial<Turn>][] = [
			["plain", plain, {}],
			["voucher", full, { order_terms: TERMS, voucher_codes: vouchers }],
			["no voucher", full, { order_terms: TERMS }],
			["one voucher", full, { order_terms: TERMS, voucher_codes: [HOT_VOUCHER] }],
		];
		const rates: Record<Kind, number>[] = [];
		// The first round warms up.
		for (let round = 0; round <= rounds * TURNS_A_ROUND; round++) {
			const found = {} as Record<Kind, number>;
			// A turn may be slower after one of another shop, so each kind comes first in turn.
			const first = round % turns.length;
			for (const [kind, side, terms] of [...turns.slice(first), ...turns.slice(0, first)]) {
				found[kind] = await turn(load, side, round + 1, terms, failed);
			}
			if (round > 0) {
				rates.push(found);
			}
		}
		const rateOf = (kind: Kind) => Math.round(median(rates.map((found) => found[kind])));
		const cost = median(rates.map(({ plain, voucher }) => plain / voucher));
		const hot = median(rates.map((found) => found["one voucher"] / found["no voucher"]));
		log(
			`an order with a voucher, shipping and tax costs ${cost.toFixed(2)} times a plain one: ${rateOf("voucher")} and ${rateOf("plain")} a second`,
		);
		log(
			`orders that all use one voucher have ${hot.toFixed(2)} times the speed of those without: ${rateOf("one voucher")} and ${rateOf("no voucher")} a second`,
		);
		for (const [what, times] of failed) {
			log(`${times} × ${what}`);
		}
		return { cost, hot };
	} finally {
		for (const side of sides) {
			side.time.stop();
			await side.postgres.close();
		}
		load.close();
		await cleanUp();
	}
}

/** Creates the method of shipping and the vouchers. Returns the codes of those that orders use in turn. */
async function prepare({ address }: Side): Promise<string[]> {
	const request = client(address);
	const token = await adminToken(address);
	await create(request, "shipping-methods", METHOD, token);
	await create(
		request,
		"vouchers",
		{ code: HOT_VOUCHER, kind: "percent", value: 10, max_uses: 1_000_000 },
		token,
	);
	const codes = Array.from({ length: VOUCHERS }, (_, number) => `HEMAT${number}`);
	for (const code of codes) {
		await create(
			request,
			"vouchers",
			{ code, kind: "percent", value: 10, max_uses: 1_000_000, per_user: 100_000 },
			token,
		);
	}
	return codes;
}

async function create(request: Request, path: string, body: object, token: string): Promise<void> {
	const { status, body: response } = await request("POST", `/api/v1/${path}`, { body, token });
	if (status !== 201) {
		throw new Error(`POST /${path} returned ${status} ${JSON.stringify(response)}`);
	}
}

/** Returns the orders per second of a turn. */
async function turn(
	load: LoadProcess,
	side: Side,
	seed: number,
	terms: Partial<Turn>,
	failed: Map<string, number>,
): Promise<number> {
	await logInAll(side);
	const { address, sink, customers, products, hot_products, sold_out_product, mails } = side;
	const {
		done,
		elapsed_ms,
		failed: unexpected,
	} = await load.do("turn", {
		...{ address, sink, customers, products, sold_out_product, mails, seed, ...terms },
		hot_product: hot_products[0] as string,
		steps: caseOf("order").steps,
		connections: CONNECTIONS,
		seconds: SECONDS,
		isNat: false,
		isPaced: false,
	});
	addTo(failed, Object.entries(unexpected));
	await load.do("drain", { sink, timeout_ms: DRAIN_MS });
	return (1000 * done) / elapsed_ms;
}
