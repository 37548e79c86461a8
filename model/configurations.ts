/** A size and shape of the model that is checked exhaustively. */
export interface Configuration {
	name: string;
	/** Macros of toko.pml, such as `ORDERS=2`, or of pages.pml together with `HOLD_PAGES`. */
	defines: string[];
	/** True if the check takes at most two seconds, so that `npm test` runs it too. */
	isSmall: boolean;
}

/** A protocol error that the checker must find. */
export interface Fault {
	/** Macro of the model, without `FAULT_`. */
	macro: string;
	name: string;
	/** Macros of the smallest configuration that shows the error. */
	defines: string[];
	/** True if the error breaks no promise at rest, but keeps the shop from coming to rest. */
	isLivelock?: true;
}

export const CONFIGURATIONS: Configuration[] = [
	{
		name: "two orders of a product with two units",
		defines: ["STOCK", "ORDERS=2", "UNITS=2"],
		isSmall: true,
	},
	{ name: "the same without keys", defines: ["STOCK", "KEYLESS", "ORDERS=2", "UNITS=2"], isSmall: true },
	{
		name: "one key twice",
		defines: ["STOCK", "SAME_KEY", "ORDERS=2", "UNITS=2"],
		isSmall: true,
	},
	{
		name: "one key twice for the last unit",
		defines: ["STOCK", "SAME_KEY", "ORDERS=2", "UNITS=1"],
		isSmall: true,
	},
	{
		name: "events and mails of two orders",
		defines: ["MAILS", "RELAY", "ORDERS=2"],
		isSmall: false,
	},
	{
		name: "events and mails of one order, sent",
		defines: ["MAILS", "RELAY", "SENDING", "ORDERS=1"],
		isSmall: true,
	},
	{
		name: "all of it for one order",
		defines: ["STOCK", "MAILS", "RELAY", "SENDING", "ORDERS=1", "UNITS=1"],
		isSmall: false,
	},
	{
		name: "two orders of two units through the outbox",
		defines: ["STOCK", "RELAY", "ORDERS=2", "UNITS=2"],
		isSmall: false,
	},
	{
		name: "two buyers for the last unit, through the outbox",
		defines: ["STOCK", "RELAY", "ORDERS=2", "UNITS=1"],
		isSmall: false,
	},
	{
		name: "one key twice, through the outbox",
		defines: ["STOCK", "RELAY", "SAME_KEY", "ORDERS=2", "UNITS=2"],
		isSmall: false,
	},
	{
		name: "one key twice and another buyer for the last unit",
		defines: ["STOCK", "SAME_KEY", "ORDERS=3", "UNITS=1"],
		isSmall: false,
	},
	{
		name: "two attempts of one request while holds move to pages",
		defines: ["HOLD_PAGES", "REQUEST"],
		isSmall: true,
	},
	{ name: "holds that are settled while they move to pages", defines: ["HOLD_PAGES"], isSmall: false },
	{ name: "pages that several collect", defines: ["HOLD_PAGES", "COLLECTORS"], isSmall: true },
];

const ONE_ORDER = ["STOCK", "ORDERS=1"];
const ONE_KEY = ["STOCK", "SAME_KEY", "ORDERS=2"];
const ONE_RELAYED = ["STOCK", "RELAY", "ORDERS=1"];
const MAILS = ["MAILS", "RELAY", "ORDERS=1"];

export const FAULTS: Fault[] = [
	{
		macro: "RELEASE_UNGUARDED",
		name: "a release without its guard",
		defines: ONE_ORDER,
	},
	{
		macro: "CONSUME_UNGUARDED",
		name: "a consume without its guard",
		defines: ONE_ORDER,
	},
	{
		macro: "RELAY_DELETES_FIRST",
		name: "a relay that deletes before the stream has acknowledged",
		defines: ONE_RELAYED,
	},
	{
		macro: "ABANDONED_COMMITS",
		name: "an abandoned attempt that commits",
		defines: ONE_ORDER,
	},
	{
		macro: "RELEASE_BEFORE_ABANDON",
		name: "a sweeper that releases without abandoning",
		defines: ONE_ORDER,
	},
	{
		macro: "GIVE_UP_WITHOUT_ABANDON",
		name: "a keyed attempt that releases without abandoning",
		defines: ONE_KEY,
	},
	{
		macro: "KEYS_APART",
		name: "attempts with one key that share no reservation",
		defines: [...ONE_KEY, "UNITS=1"],
	},
	{
		macro: "MOVE_UNCONDITIONAL",
		name: "an order that is cancelled after it was paid",
		defines: ONE_ORDER,
	},
	{
		macro: "EVENT_APART",
		name: "an event that is not of the transaction",
		defines: ONE_ORDER,
	},
	{ macro: "NO_SWEEPER", name: "no sweeper", defines: ONE_ORDER },
	{
		macro: "LOCK_IS_KEPT",
		name: "a dead relay that keeps its lock",
		defines: ONE_RELAYED,
	},
	{
		macro: "PLACE_APART",
		name: "a place in the inbox that is moved before the mail's row is written",
		defines: MAILS,
	},
	{
		macro: "INBOX_FORGETS",
		name: "an inbox that takes a second delivery in",
		defines: MAILS,
	},
	{
		macro: "ACKNOWLEDGES_FIRST",
		name: "a consumer that acknowledges before its transaction",
		defines: MAILS,
	},
	{
		macro: "MARKS_BEFORE_SENDING",
		name: "a mail that is marked before it is sent",
		defines: [...MAILS, "SENDING"],
	},
	{
		macro: "RESERVE_TWICE",
		name: "a call of reserve that is delivered twice",
		defines: ONE_ORDER,
	},
	{
		macro: "FORGETS_ABANDONED",
		name: "an abandoned reservation that is pruned while its transaction is on its way",
		defines: ONE_ORDER,
	},
	{
		macro: "FORGETS_SOLD",
		name: "a sold reservation that is pruned while its hold is there",
		defines: ONE_ORDER,
	},
	{
		macro: "FORGETS_PLACE",
		name: "a place in the inbox that is pruned while its event may come again",
		defines: MAILS,
	},
	{
		macro: "RELEASES_ARE_LOST",
		name: "releases that are lost for ever",
		defines: ONE_ORDER,
		isLivelock: true,
	},
	{
		macro: "MOVES_UNGUARDED",
		name: "an attempt that holds though holds have moved since it looked",
		defines: ["HOLD_PAGES", "REQUEST"],
	},
	{
		macro: "PLACE_UNGUARDED",
		name: "a page that counts though one of its holds is gone",
		defines: ["HOLD_PAGES"],
	},
	{
		macro: "FILLING_UNGUARDED",
		name: "a page that counts after it was withdrawn",
		defines: ["HOLD_PAGES"],
	},
	{
		macro: "PAGES_FIRST",
		name: "a look at the pages before the product",
		defines: ["HOLD_PAGES"],
	},
	{
		macro: "COLLECTED_UNGUARDED",
		name: "units that are collected without the guard of what was collected",
		defines: ["HOLD_PAGES", "COLLECTORS"],
	},
];
