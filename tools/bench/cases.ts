/** A kind of request that a buyer sends. */
export type Step = "product" | "list" | "login" | "order" | "hot order" | "sold-out order" | "paid order";

/** A measurement and the requests that it sends. */
export interface Case {
	title: string;
	/** Plural noun of a measured unit, for "orders/s". */
	unit: string;
	/** Kinds of requests with the share of each. */
	steps: readonly (readonly [Step, number])[];
	/** True if the limit supports this case. */
	hasLimit: boolean;
	/** Goal as a share of the limit, by shape. */
	goal?: { one: number; five: number };
	/** Description in the report. */
	explanation: string;
}

export const CASES = {
	order: {
		title: "order",
		unit: "orders",
		steps: [["order", 1]],
		hasLimit: true,
		goal: { one: 0.5, five: 0.8 },
		explanation:
			"`POST /orders` with an `Idempotency-Key`: one unit of one product, another product each time, unpaid.",
	},
	hot: {
		title: "one product for all",
		unit: "orders",
		steps: [["hot order", 1]],
		hasLimit: true,
		goal: { one: 0.5, five: 0.8 },
		explanation: "The same, but all orders of a turn are for the same product (a new one in each round).",
	},
	"sold-out": {
		title: "sold out",
		unit: "refusals",
		steps: [["sold-out order", 1]],
		hasLimit: true,
		explanation:
			"Keyed orders of a product without stock: 409, stored under the key. The goal is 1.0 of the shop's own orders.",
	},
	product: {
		title: "product",
		unit: "requests",
		steps: [["product", 1]],
		hasLimit: true,
		goal: { one: 0.4, five: 0.9 },
		explanation: "`GET /products/{id}`, a random one of 1,000, without a token.",
	},
	list: {
		title: "list of 20",
		unit: "requests",
		steps: [["list", 1]],
		hasLimit: true,
		goal: { one: 0.4, five: 0.9 },
		explanation:
			"`GET /products?category=…&limit=20&skip=…`, a random one of the first ten pages, without a token.",
	},
	mix: {
		title: "shop mix",
		unit: "requests",
		steps: [
			["product", 0.8],
			["list", 0.15],
			["order", 0.05],
		],
		hasLimit: true,
		goal: { one: 0.5, five: 0.9 },
		explanation: "80 % products, 15 % lists, 5 % orders, as above, mixed on every connection.",
	},
	login: {
		title: "login",
		unit: "logins",
		steps: [["login", 1]],
		hasLimit: true,
		goal: { one: 0.95, five: 0.95 },
		explanation: "`POST /users/login` with the right password (argon2id, 19 MiB, two passes).",
	},
	mail: {
		title: "paid order to mail",
		unit: "paid orders",
		steps: [["paid order", 1]],
		hasLimit: true,
		explanation:
			"An order and its payment; it counts once the mail server has both of its mails. p50 and p99 are measured from the " +
			"response to the payment until then, including the queue.",
	},
	sustained: {
		title: "sustained",
		unit: "orders",
		steps: [["order", 1]],
		hasLimit: false,
		explanation:
			"Orders that the shop accepts while its mails keep up: buyers pause while more mails are outstanding than arrived in " +
			"the last two seconds. It counts only if every mail has arrived 5 s after the last order. The goal is half of `order`.",
	},
} as const satisfies Record<string, Case>;

export type CaseName = keyof typeof CASES;

export const CASE_NAMES = Object.keys(CASES) as CaseName[];

/** Returns the case with this name, typed with all optional fields. */
export function caseOf(name: CaseName): Case {
	return CASES[name];
}

/** Category of the benchmark's products, in the shop and in the limit. */
export const CATEGORY = "bench";
/** Number of distinct products that are ordered and read. */
export const PRODUCTS = 1000;
/** Number of pages that `list` requests. */
export const PAGES = 10;
export const PAGE_LENGTH = 20;
/** Stock of every product except the sold-out ones: large enough never to run out. */
const STOCK = 1_000_000;
/** Number of customers; each has one token. */
export const CUSTOMERS = 40;
export const PASSWORD = "rahasia-sekali";

export const ADDRESS = "Jalan Kopi 7, Bandung 40115";

/** A product as the shop's API accepts it. */
export interface BenchProduct {
	name: string;
	description: string;
	price: number;
	stock: number;
	category: string;
}

export const HOT_CATEGORY = "bench-hot";
export const SOLD_OUT_CATEGORY = "bench-sold-out";
/** More than the maximum number of rounds plus the warm-up round. */
const HOT_PRODUCTS = 60;

/** Returns the products of every measured server. */
export function benchProducts(): BenchProduct[] {
	const product = (number: number, category: string, stock: number): BenchProduct => ({
		name: `Kopi Arabika Gayo Biji Sangrai Medium ${number} g`,
		description:
			"Biji arabika dari dataran tinggi Takengon, diproses giling basah dengan rasa cokelat, rempah, dan keasaman lembut.",
		price: 1000 * (1 + (number % 90)),
		stock,
		category,
	});
	return [
		...Array.from({ length: PRODUCTS }, (_, number) => product(number, CATEGORY, STOCK)),
		...Array.from({ length: HOT_PRODUCTS }, (_, number) => product(number, HOT_CATEGORY, STOCK)),
		product(0, SOLD_OUT_CATEGORY, 0),
	];
}
