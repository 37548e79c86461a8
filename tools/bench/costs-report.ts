import { getBorderCharacters, table } from "table";
import { databases } from "../../contracts/services.ts";
import { namedServices } from "../../hosting/services.ts";
import type { Costs } from "./costs.ts";
import type { Footprint } from "./footprint.ts";
import { type Arrangement, LINES, OPERATIONS, type Operation, OTHER_POSTGRES } from "./measured-shop.ts";
import { median } from "./statistics.ts";

const WHOLE_SHOP = "all in one";
const DELIVERY_WORKER = "delivery-worker";

const COMPONENTS = [
	...namedServices(""),
	WHOLE_SHOP,
	DELIVERY_WORKER,
	...databases.map((name) => `PostgreSQL, ${name}`),
	OTHER_POSTGRES,
	"NATS",
	"MongoDB",
];

/** Returns the median over the rounds of an operation's processor time in one component. */
function medianCost({ costs }: Arrangement, operation: Operation, component: string): number {
	return median(
		costs
			.filter((cost) => cost.operation === operation)
			.map(({ by_component }) => by_component.get(component) ?? 0),
	);
}

/** Prints the costs for a person to read. */
export function printCosts({ store, rounds, arrangements, requests, failed }: Costs): void {
	const [apart, together] = arrangements as [Arrangement, Arrangement];
	for (const arrangement of arrangements) {
		const components = COMPONENTS.filter((component) => arrangement.quiet.has(component));
		const sums = OPERATIONS.map((operation) => sum(arrangement, operation, components));
		const mail = (component: string) => (isOfMails(component) ? ofMail(arrangement, component) : 0);
		const idle = (component: string) => arrangement.quiet.get(component) ?? 0;
		const total = (of: (component: string) => number) =>
			components.reduce((all, component) => all + of(component), 0);
		console.log(`\n${arrangement.name}: milliseconds of processor time, medians of ${rounds} rounds`);
		show([
			["component", ...OPERATIONS, "per mail of the order", "idle, per second"],
			...components.map((component) => [
				component,
				...OPERATIONS.map((operation) => figure(medianCost(arrangement, operation, component))),
				arrangement === apart ? figure(mail(component)) : "",
				figure(idle(component)),
			]),
			["all", ...sums.map(figure), arrangement === apart ? figure(total(mail)) : "", figure(total(idle))],
		]);
	}
	console.log("\nfive processes: operations per second that saturate one core");
	show([
		["component", ...OPERATIONS, "mail"],
		...COMPONENTS.filter((component) => apart.quiet.has(component)).map((component) => [
			component,
			...OPERATIONS.map((operation) => rate(medianCost(apart, operation, component))),
			isOfMails(component) ? rate(ofMail(apart, component)) : "",
		]),
	]);
	console.log("\nfive processes over NATS: cost relative to one process");
	show([
		["", ...OPERATIONS],
		["all", ...OPERATIONS.map((operation) => ratio(apart, together, operation, COMPONENTS))],
		[
			"without the servers",
			...OPERATIONS.map((operation) => ratio(apart, together, operation, OWN_COMPONENTS)),
		],
	]);
	console.log(`\nfive processes: written per operation; an order has ${LINES} lines, a key and is paid`);
	const written = (["order, paid", "registration", "login"] as const).map(
		(operation) => [operation, apart.written.get(operation) as Footprint] as const,
	);
	const names = Object.keys(written[0]?.[1] ?? {});
	show([
		["", ...written.map(([operation]) => operation)],
		...names.map((name) => [
			explained(name),
			...written.map(([, footprint]) =>
				(footprint[name] ?? 0).toFixed(name.endsWith("bytes") || name === "wal" ? 0 : 1),
			),
		]),
	]);
	const all = [...failed.values()].reduce((sum, times) => sum + times, 0);
	console.log(`\nproducts' store: ${store}; ${requests} requests, ${all} failed`);
	for (const [what, times] of failed) {
		console.log(`${times} × ${what}`);
	}
}

function explained(name: string): string {
	const [database, what] = name.split(" ");
	switch (what ?? name) {
		case "wal":
			return "PostgreSQL: bytes of WAL";
		case "database_bytes":
			return `${database}: bytes of the database, including dead rows of jobs`;
		case "bytes":
			return database === "stream"
				? "JetStream: bytes"
				: `${database}: bytes of its own tables and their indexes`;
		case "events":
			return "JetStream: events";
		default:
			return `${database}: ${what}`;
	}
}

/** Tells whether an order uses a component only for its mails. */
function isOfMails(part: string): boolean {
	return [
		"notifications",
		DELIVERY_WORKER,
		"users",
		"PostgreSQL, users",
		"PostgreSQL, notifications",
	].includes(part);
}

function ofMail(arrangement: Arrangement, component: string): number {
	const mails = arrangement.costs.find(({ operation }) => operation === "order, paid")?.mails ?? 1;
	return medianCost(arrangement, "order, paid", component) / mails;
}

const OWN_COMPONENTS = [...namedServices(""), WHOLE_SHOP, DELIVERY_WORKER];

function sum(arrangement: Arrangement, operation: Operation, components: string[]): number {
	return components.reduce((all, component) => all + medianCost(arrangement, operation, component), 0);
}

function ratio(
	apart: Arrangement,
	together: Arrangement,
	operation: Operation,
	components: string[],
): string {
	return (sum(apart, operation, components) / sum(together, operation, components)).toFixed(2);
}

/** Resolution of the measurement: smaller values do not differ from the load of an idle shop. */
const RESOLUTION_MS = 0.05;

function figure(ms: number): string {
	return ms < RESOLUTION_MS ? "" : ms.toFixed(2);
}

function rate(ms: number): string {
	return ms < RESOLUTION_MS ? "" : Math.round(1000 / ms).toString();
}

function show(rows: string[][]): void {
	console.log(
		table(rows, {
			border: getBorderCharacters("void"),
			columnDefault: { alignment: "right" },
			columns: { 0: { alignment: "left" } },
			drawHorizontalLine: () => false,
		}).trimEnd(),
	);
}
