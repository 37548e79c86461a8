import { expect, test } from "@jest/globals";
import { Errors } from "moleculer";
import {
	MongoClient,
	MongoError,
	MongoNetworkError,
	MongoServerError,
	MongoWriteConcernError,
} from "mongodb";
import { problem } from "../../contracts/problems.ts";
import { NotWritten } from "../../database/append-log.ts";
import { isTransient } from "../../errors/kinds.ts";

test("a file that takes no writes passes", () => {
	const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
	expect(isTransient(new NotWritten("products.db", full))).toBe(true);
});

test("a MongoDB that is not there passes", async () => {
	const options = { serverSelectionTimeoutMS: 100 };
	// No program listens on port 9, that of the discard protocol.
	const error = await MongoClient.connect("mongodb://127.0.0.1:9", options).catch((thrown) => thrown);
	expect(error).toBeInstanceOf(MongoError);
	expect(isTransient(error)).toBe(true);
});

test("a driver that was closed passes", async () => {
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
])("MongoDB: %s passes", (_, error) => {
	expect(isTransient(error)).toBe(true);
});

test.each([
	["a duplicate key", new MongoServerError({ message: "E11000 duplicate key error", code: 11000 })],
	["a query that is refused", new MongoServerError({ message: "unknown operator: $foo", code: 2 })],
	["a mistake of the program", new TypeError("cannot read properties of undefined")],
	["a violated constraint of PostgreSQL", Object.assign(new Error("duplicate key"), { code: "23505" })],
	["a problem of the caller", problem("PRODUCT_NOT_FOUND")],
	["nothing", undefined],
])("%s does not pass", (_, error) => {
	expect(isTransient(error)).toBe(false);
});

test("calls that another node did not answer, and PostgreSQL that is away, pass", () => {
	expect(isTransient(new Errors.RequestTimeoutError({ action: "v1.orders.get", nodeID: "one" }))).toBe(true);
	expect(isTransient(Object.assign(new Error("terminating"), { code: "57P01" }))).toBe(true);
	expect(isTransient(new Error("Connection terminated unexpectedly"))).toBe(true);
});

function named(name: string, message: string): Error {
	return Object.assign(new Error(message), { name });
}
