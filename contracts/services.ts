import { notifications } from "./notifications.ts";
import { orders } from "./orders.ts";
import { products } from "./products.ts";
import { users } from "./users.ts";

/** Every service of the shop, in the order in which they start: a new one is a line here. */
export const services = {
	users,
	products,
	orders,
	notifications,
};

/** The contract of any of them. */
export type Contract = (typeof services)[keyof typeof services];

/** Their contracts. */
export const contracts: readonly Contract[] = Object.values(services);

type StoredIn<Store, C = Contract> = C extends { name: infer Name; store: Store } ? Name : never;

/** A service whose outbox publishes events. */
export type Publisher<C = Contract> = C extends { name: infer Name; publishes: object } ? Name : never;

/** A service with a PostgreSQL database, which has its name. */
export type Database = StoredIn<"PostgreSQL">;

/** The PostgreSQL databases of the shop, without its prefix. */
export const databases = contracts
	.filter(({ store }) => store === "PostgreSQL")
	.map(({ name }) => name) as Database[];

type Published<C = Contract> = C extends { publishes: { events: infer Events } } ? Events : never;
type All<Each> = (Each extends unknown ? (each: Each) => void : never) extends (all: infer Together) => void
	? Together
	: never;

/** Every event of the shop, by name. */
export const events: All<Published> = Object.assign(
	{},
	...contracts.map((one) => ("publishes" in one ? one.publishes.events : {})),
);

/** Kind of an aggregate that has events: `order` of `order:<id>`. */
export type AggregateKind<C = Contract> = C extends { publishes: { aggregate: infer Kind extends string } }
	? Kind
	: never;

/** The database whose outbox has the events of each kind of aggregate. */
export const outboxes = Object.fromEntries(
	contracts.flatMap((one) => ("publishes" in one ? [[one.publishes.aggregate, one.name]] : [])),
) as Record<AggregateKind, Publisher>;
