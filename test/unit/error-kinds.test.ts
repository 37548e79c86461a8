import { expect, test } from "@jest/globals";
import { Errors } from "moleculer";
import {
	MongoClient,
	MongoError,
	MongoNetworkError,
	MongoServerError,
	MongoWriteConcernError,
} from "mongodb";
import { DatabaseError } from "pg";
import { problem } from "../../contracts/problems.ts";
import { NotWritten } from "../../database/append-log.ts";
import {
	countsAsFailure,
	isRejection,
	isTransient,
	isUnavailable,
	wasRolledBack,
} from "../../errors/kinds.ts";

test("a file that cannot be written is transient", () => {
	const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
	expect(isTransient(new NotWritten("products.db", full))).toBe(true);
});

test.each([
	problem("EVENTS_NOT_PUBLISHED", { event: "order.paid", seconds: 40, reason: "NATS is full" }),
	problem("EVENTS_NOT_TAKEN_IN", { reason: "it is behind" }),
	problem("MESSAGES_NOT_SENT"),
	problem("DATA_BEHIND", { service: "orders" }),
])(
	"a service that says why it refuses opens no circuit, and a cached response replaces its own: %s",
	(error) => {
		expect(countsAsFailure(error)).toBe(false);
		expect(isUnavailable(error)).toBe(true);
	},
);

test("a lost service opens a circuit; a mistake of the client does not", () => {
	expect(countsAsFailure(new Errors.RequestTimeoutError({ action: "v1.orders.list" }))).toBe(true);
	expect(countsAsFailure(problem("ORDER_NOT_FOUND"))).toBe(false);
	expect(isUnavailable(problem("ORDER_NOT_FOUND"))).toBe(false);
});

test("an unavailable MongoDB is transient", async () => {
	const options = { serverSelectionTimeoutMS: 100 };
	// No program listens on port 9, that of the discard protocol.
	const error = await MongoClient.connect("mongodb://127.0.0.1:9", options).catch((thrown) => thrown);
	expect(error).toBeInstanceOf(MongoError);
	expect(isTransient(error)).toBe(true);
});

test("a closed driver is transient", async () => {
	const client = new MongoClient("mongodb://127.0.0.1:9");
	await client.close();
	const find = () => client.db("toko").collection("products").findOne({});
	const error = await find().catch((thrown) => thrown);
	expect(error).toBeInstanceOf(MongoError);
	expect(isTransient(error)).toBe(true);
});

test.each([
	[
		"a server that cannot be selected",
		named("MongoServerSelectionError", "Server selection timed out after 3000 ms"),
	],
	["a lost connection", new MongoNetworkError("failed to connect to server [db:27017] on first connect")],
	["a set without a primary", new MongoServerError({ message: "not primary", code: 10107 })],
	["a primary that steps down", new MongoServerError({ message: "stepping down", code: 189 })],
	["a server that is shutting down", new MongoServerError({ message: "interrupted", code: 11600 })],
	["a full disk", new MongoServerError({ message: "out of disk space", code: 14031 })],
	["an error with a label", new MongoServerError({ message: "x", errorLabels: ["RetryableWriteError"] })],
	[
		"a write concern that is not met in time",
		new MongoWriteConcernError({
			writeConcernError: { code: 64, errmsg: "waiting for replication" },
		} as never),
	],
	["a driver that is closed", named("MongoTopologyClosedError", "Topology is closed")],
	["connections that were closed", named("MongoPoolClosedError", "Attempted to check out a connection")],
	["connections that failed together", named("MongoPoolClearedError", "Connection pool was cleared")],
	["a primary of the past", named("MongoStalePrimaryError", "primary marked stale")],
])("MongoDB: %s is transient", (_, error) => {
	expect(isTransient(error)).toBe(true);
});

test.each([
	["a duplicate key", new MongoServerError({ message: "E11000 duplicate key error", code: 11000 })],
	["a query that is refused", new MongoServerError({ message: "unknown operator: $foo", code: 2 })],
	["a mistake of the program", new TypeError("cannot read properties of undefined")],
	["a violated constraint of PostgreSQL", Object.assign(new Error("duplicate key"), { code: "23505" })],
	["a problem of the caller", problem("PRODUCT_NOT_FOUND")],
	["nothing", undefined],
])("%s is not transient", (_, error) => {
	expect(isTransient(error)).toBe(false);
});

test("unanswered calls and an unavailable PostgreSQL are transient", () => {
	expect(isTransient(new Errors.RequestTimeoutError({ action: "v1.orders.get", nodeID: "one" }))).toBe(true);
	expect(isTransient(Object.assign(new Error("terminating"), { code: "57P01" }))).toBe(true);
	expect(isTransient(new Error("Connection terminated unexpectedly"))).toBe(true);
});

function named(name: string, message: string): Error {
	return Object.assign(new Error(message), { name });
}

test.each([
	["a deadlock", "40P01", true, true],
	["a disk without space", "53100", true, true],
	["a commit whose outcome is unknown", "40003", false, true],
	["a value that is there already", "23505", false, true],
	["a lost connection", "08006", false, false],
	["a server that shuts down", "57P01", false, false],
])(
	"PostgreSQL: %s (%s) says that a statement was rolled back: %s, and rejected: %s",
	(_, code, isUndone, isRejected) => {
		const error = Object.assign(new DatabaseError("no", 2, "error"), { code });
		expect([wasRolledBack(error), isRejection(error)]).toEqual([isUndone, isRejected]);
		expect([wasRolledBack({ code }), isRejection({ code })]).toEqual([false, false]);
	},
);
