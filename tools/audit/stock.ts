import { createHash } from "node:crypto";
import { settings } from "../../config/settings.ts";
import { STOCK_MAX } from "../../contracts/product-schemas.ts";
import { products } from "../../contracts/products.ts";
import { INITIAL } from "../../services/orders/states.ts";
import { PagedCheckResult } from "./check.ts";
import type { CheckResult, Finding } from "./finding.ts";
import { type HeldLine, type OrderFilters, type Orders, readOrders } from "./held-orders.ts";
import { checkLedger, checkRestocks, restockedOrders } from "./ledger.ts";
import { type ReadStock, readProduct } from "./product-form.ts";
import type { Sources } from "./snapshot.ts";
import { acknowledgedUpTo } from "./stream.ts";

/** Time that the sweeper may take to settle an expired hold. */
const SWEEP_MS = 40_000;
const CLOCKS_DIFFER_MS = 5 * 60_000;
const DAY_MS = 24 * 3_600_000;
/** Number of products under constant change that are checked together, and the number of tries for each batch. */
const BUSY_AT_ONCE = 100;
const BUSY_TRIES = 5;

/**
 * Checks stock, ledger and holds of every product: `supplied = stock + held + sold`, each unit supplied has a ledger
 * entry, and each hold has a pending order. Products are read before and after the orders. A product that changed in
 * between is checked again with less delay between the reads. Memory holds a digest and the SKU of each product, and
 * all holds, pending lines and restocks.
 */
export async function checkStock(sources: Sources): Promise<CheckResult[]> {
	const acknowledged = await acknowledgedUpTo(await sources.nats.jetstreamManager(), products.name);
	const before = new Map<string, string>();
	const held = new Set<string>();
	const filters: OrderFilters = {
		...{ reservations: [], restocked: [], acknowledged, since: await clockOf(sources), only: null },
	};
	let hasLedgers = false;
	for await (const document of sources.products()) {
		const { product } = readProduct(document);
		before.set(product._id, digest(product));
		hasLedgers ||= product.ledger_sums !== undefined;
		addToFilters(filters, product);
		for (const { reservation_id } of product.holds) {
			held.add(`${product._id} ${reservation_id}`);
		}
	}
	const orders = await sources.snapshot("orders", (query) => readOrders(query, filters));

	const results = newResults();
	const missing = new Set([...orders.sold.keys()].filter((id) => !before.has(id)));
	const busy: string[] = [];
	const skus = new Set<string>();
	for await (const document of sources.products()) {
		const { product, faults } = readProduct(document);
		missing.delete(product._id);
		for (const { reservation_id } of product.holds) {
			held.add(`${product._id} ${reservation_id}`);
		}
		if (skus.has(product.sku)) {
			faults.push(`has the sku ${product.sku}, which another product has too`);
		}
		skus.add(product.sku);
		if (product.ledger_sums === undefined && hasLedgers && !isNew(product)) {
			faults.push(`has no ledger for its ${product.supplied} supplied units`);
		}
		results.forms.checked++;
		results.forms.addAll(faults.map((what) => ({ document: documentOf(product), what })));
		results.ledgers.checked++;
		results.ledgers.addAll(checkLedger(product));
		results.units.checked++;
		if (before.get(product._id) === digest(product)) {
			checkProduct(product, product, orders, results);
		} else if (before.has(product._id)) {
			busy.push(product._id);
		}
	}
	for (let at = 0; at < busy.length; at += BUSY_AT_ONCE) {
		await checkBusy(sources, new Set(busy.slice(at, at + BUSY_AT_ONCE)), acknowledged, results);
	}
	for (const id of missing) {
		results.units.add(`product ${id}`, "is in orders, but does not exist");
	}
	for (const [key, line] of orders.lines) {
		if (line.status === INITIAL) {
			results.pending.checked++;
			results.pending.addAll(held.has(key) ? [] : [unheld(line)]);
		}
	}
	return Object.values(results);
}

/**
 * Checks products that change constantly. Each try reads the products, the orders, and the products again, with minimal
 * delay. The units of an order placed in between may or may not be counted: if that alone makes the result uncertain,
 * the check is repeated.
 */
async function checkBusy(
	sources: Sources,
	ids: Set<string>,
	acknowledged: number,
	results: Results,
): Promise<void> {
	const left = new Set(ids);
	const following = sources.following(ids);
	const read = async () => {
		const { value } = await following.next();
		return new Map([...(value ?? [])].map(([id, document]) => [id, readProduct(document).product]));
	};
	try {
		// The first read takes longer.
		let names = await read();
		for (let attempt = 1; attempt <= BUSY_TRIES && left.size > 0; attempt++) {
			const filters: OrderFilters = {
				...{ reservations: [], restocked: [], acknowledged, since: await clockOf(sources), only: [...left] },
			};
			const earlier = await read();
			for (const product of earlier.values()) {
				addToFilters(filters, product);
			}
			const orders = await sources.snapshot("orders", (query) => readOrders(query, filters));
			const later = await read();
			for (const id of left) {
				const [one, other] = [earlier.get(id), later.get(id)];
				if (one && other && checkProduct(one, other, orders, results)) {
					left.delete(id);
				}
			}
			names = earlier.size > 0 ? earlier : names;
		}
		results.units.in_progress += left.size;
		results.units.not_judged?.push(
			...[...left].map((id) => (names.has(id) ? documentOf(names.get(id) as ReadStock) : `product ${id}`)),
		);
	} finally {
		await following.return();
	}
}

type Results = ReturnType<typeof newResults>;

function newResults() {
	return {
		units: new PagedCheckResult(
			"supplied = stock + held + sold",
			"Stop products and set `stock` in the store by hand so that the sum is correct, then count the units and adjust them by `v1.products.changeStock`, which records the reason; restore a missing product from a copy.",
		),
		forms: new PagedCheckResult(
			"a product has valid fields",
			"Stop products and correct the field in the store by hand, or restore the product from a copy.",
		),
		ledgers: new PagedCheckResult(
			"every supplied unit is in the ledger",
			"`npm run audit -- --repair` records the difference as a repair.",
		),
		restocks: new PagedCheckResult(
			"a restock belongs to a refunded order",
			"Compare the product's ledger (`v1.products.ledger`) with the refunds of its orders; stop products and correct the entry together with `stock` and `supplied` by hand.",
		),
		holds: new PagedCheckResult(
			"a hold has a pending order",
			"`npm run audit -- --repair` settles holds according to their orders; a hold of a pending order is corrected by hand, or ends with the order.",
		),
		pending: new PagedCheckResult(
			"a pending order has its holds",
			"Cancel the order (`v1.orders.cancel`) so that its buyer can order again, or make sure that the units are in stock before it is paid.",
		),
	};
}

/** Returns the current time of the orders database, whose clock sets `created_at`. */
async function clockOf(sources: Sources): Promise<string> {
	const rows = await sources.snapshot("orders", (query) =>
		query<{ now: string }>("SELECT clock_timestamp()::text AS now"),
	);
	return rows[0]?.now as string;
}

function addToFilters(filters: OrderFilters, product: ReadStock): void {
	for (const { reservation_id } of product.holds) {
		filters.reservations.push(reservation_id);
	}
	for (const order_id of restockedOrders(product)) {
		filters.restocked.push(order_id);
	}
}

/** Returns a short hash of the fields that are checked. */
function digest({ stock, supplied, holds, uncollected, ledger, ledger_sums, restocks }: ReadStock): string {
	const fields = JSON.stringify([stock, supplied, holds, uncollected, ledger, ledger_sums, restocks]);
	return createHash("sha256").update(fields).digest("base64url").slice(0, 22);
}

function documentOf({ _id, name }: ReadStock): string {
	return `product ${_id} (${name})`;
}

/**
 * Tells whether a product was created within the last day. A process of an earlier version may have created it without
 * a ledger; products adds one at its next start.
 */
function isNew({ created_at }: ReadStock): boolean {
	return Date.parse(created_at) > Date.now() - DAY_MS;
}

/**
 * Checks a product by its state before and after the orders were read.
 *
 * @returns Whether the result is certain.
 */
function checkProduct(earlier: ReadStock, later: ReadStock, orders: Orders, results: Results): boolean {
	const { findings, isCertain } = checkSums(earlier, earlier === later, orders);
	if (!isCertain) {
		return false;
	}
	results.units.addAll(findings);
	results.restocks.checked += restockedOrders(earlier).length;
	results.restocks.addAll(checkRestocks(earlier, orders.restocks, later));
	const left = new Set(later.holds.map(({ reservation_id }) => reservation_id));
	const checkedHolds = new Set<string>();
	for (const hold of earlier.holds.filter(({ reservation_id }) => left.has(reservation_id))) {
		const outcome = checkHold(earlier, hold, checkedHolds.has(hold.reservation_id), orders);
		checkedHolds.add(hold.reservation_id);
		results.holds.checked++;
		results.holds.in_progress += outcome === "in progress" ? 1 : 0;
		results.holds.addAll(typeof outcome === "object" ? [outcome] : []);
	}
	return true;
}

/**
 * Checks `supplied = stock + held + sold`. A paid order may still have its hold for a moment; its units then count as
 * held. An order placed before the product was read has lost its hold by then if it has none now. An order placed since
 * then may have lost its hold after the product was read.
 */
function checkSums(
	product: ReadStock,
	isUnchanged: boolean,
	orders: Orders,
): { findings: Finding[]; isCertain: boolean } {
	const { _id, stock, supplied, holds, uncollected } = product;
	const held = holds.reduce((sum, hold) => sum + hold.quantity, uncollected);
	const { quantity: most, since } = orders.sold.get(_id) ?? { quantity: 0, since: 0 };
	const least = isUnchanged ? most : most - since;
	const document = documentOf(product);
	const findings: Finding[] = [];
	const sold = Number(supplied) - Number(stock) - held;
	const isPossible = sold >= least && sold <= most;
	if (!isPossible) {
		findings.push({ document, what: `supplied ${supplied} ≠ stock ${stock} + held ${held} + sold ${most}` });
	}
	if (!Number.isSafeInteger(stock) || stock < 0) {
		findings.push({ document, what: `has a stock of ${stock}` });
	}
	if (stock > STOCK_MAX) {
		findings.push({ document, what: `has a stock of ${stock}, above the limit of ${STOCK_MAX}` });
	}
	return { findings, isCertain: !isPossible || least === most };
}

type HoldResult = Finding | "ok" | "in progress";

function checkHold(
	product: ReadStock,
	hold: ReadStock["holds"][number],
	isTwice: boolean,
	orders: Orders,
): HoldResult {
	const { reservation_id, quantity, expires_at } = hold;
	const line = orders.lines.get(`${product._id} ${reservation_id}`);
	const finding = (what: string): Finding => ({
		document: `hold ${reservation_id} of product ${product._id}`,
		what,
		reservation_id,
	});
	if (isTwice) {
		return finding("exists twice");
	}
	const number = orders.numbers.get(reservation_id);
	if (!line && number !== undefined) {
		return finding(`belongs to order ${number}, which does not contain this product`);
	}
	if (!line) {
		const left_ms = Date.parse(expires_at) - Date.now();
		if (left_ms < -SWEEP_MS) {
			return finding(`belongs to no order and should have expired at ${expires_at}`);
		}
		// Also rejects an invalid time, which gives NaN.
		const isPossible = left_ms <= settings.orderTtlMinutes * 60_000 + CLOCKS_DIFFER_MS;
		return isPossible
			? "in progress"
			: finding(`belongs to no order and expires at ${expires_at}, later than ORDER_TTL_MINUTES allows`);
	}
	if (line.quantity !== quantity) {
		return finding(`has ${quantity} units, but order ${line.number} has ${line.quantity}`);
	}
	if (line.status === INITIAL) {
		const isInTime = line.expires_ms === null || endsWith(hold, line, line.expires_ms);
		// Not repairable: the order may still be paid.
		const what = `expires at ${expires_at}, but order ${line.number} at ${timeOf(line.expires_ms)}`;
		return isInTime ? "ok" : { document: finding("").document, what };
	}
	return line.is_settled_soon && Date.parse(expires_at) > Date.now() - SWEEP_MS
		? "in progress"
		: finding(`has outlived order ${line.number}, which is ${line.status}`);
}

/**
 * Tells whether a hold ends together with its order. The hold may come from an earlier attempt with the same key: it
 * then ends earlier, but was valid when the order was placed.
 */
function endsWith(
	{ expires_at, request_id }: ReadStock["holds"][number],
	line: HeldLine,
	expires_ms: number,
): boolean {
	const ends = Date.parse(expires_at);
	const first = request_id === undefined ? expires_ms : Math.min(expires_ms, line.created_ms - DAY_MS);
	return ends >= first - CLOCKS_DIFFER_MS && ends <= expires_ms + CLOCKS_DIFFER_MS;
}

function timeOf(ms: number | null): string {
	return Number.isFinite(ms) && Math.abs(ms as number) < 8.64e15
		? new Date(ms as number).toISOString()
		: String(ms);
}

function unheld({ number, quantity, product_id }: HeldLine): Finding {
	return {
		document: `order ${number}`,
		what: `is pending, but ${quantity} units of product ${product_id} are not held for it`,
	};
}
