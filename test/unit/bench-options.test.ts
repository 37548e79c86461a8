import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { readArguments } from "../../cli/arguments.mjs";
import { CASE_NAMES } from "../../tools/bench/cases.ts";
import { type MainOptions, readOptions as readGiven } from "../../tools/bench/options.ts";

const repository = resolve(import.meta.dirname, "../..");

function readOptions(args: string[], directory: string) {
	return readGiven(readArguments("bench", args), directory);
}

function main(...args: string[]): MainOptions {
	const options = readOptions(args, repository);
	if (options.special !== undefined) {
		throw new Error(`not the main bench: ${options.special}`);
	}
	return options.main;
}

test("without arguments all cases of both shapes are measured, of this checkout", () => {
	expect(main()).toEqual({
		cases: CASE_NAMES,
		shapes: ["one", "five"],
		rounds: 3,
		seconds: 5,
		sustained_seconds: 60,
		connections: 32,
		isNat: false,
		shops: [{ name: "shop", directory: repository }],
		profiles: undefined,
		results: resolve(repository, "bench/results"),
		own_directory: repository,
	});
});

test("cases are measured in their own order, whatever the order in which they are named", () => {
	expect(main("mail", "order").cases).toEqual(["order", "mail"]);
});

test("several shops are named after their folders, each by a name of its own", () => {
	const { shops } = main("--shop", repository, "--shop", repository);
	const name = repository.split("/").at(-1);
	expect(shops.map((shop) => shop.name)).toEqual([name, `${name}-2`]);
});

test("profiles are left beside the report", () => {
	expect(main("--profile", "--out", "/tmp/bench").profiles).toBe("/tmp/bench/profiles");
});

test("the measurements of their own are reached by one name each", () => {
	expect(readOptions(["costs", "--store", "nedb", "--rounds", "2"], repository)).toMatchObject({
		special: "costs",
		rounds: 2,
		store: "nedb",
		directory: repository,
	});
	expect(readOptions(["finding"], repository)).toMatchObject({ special: "finding" });
	expect(readOptions(["store"], repository)).toMatchObject({ special: "store" });
	expect(readOptions(["holds"], repository)).toMatchObject({ special: "holds" });
	expect(readOptions(["checkout", "--rounds", "2"], repository)).toMatchObject({
		special: "checkout",
		rounds: 2,
	});
	expect(readOptions(["observability", "--rounds", "2"], repository)).toMatchObject({
		special: "observability",
		rounds: 2,
	});
});

test("all curves of growth are measured, or those that are named, in their own order", () => {
	const curvesOf = (...names: string[]) => {
		const options = readOptions(["growth", ...names], repository);
		return options.special === undefined ? [] : options.growth.curves;
	};
	expect(curvesOf()).toEqual(["products", "holds", "orders", "processes"]);
	expect(curvesOf("processes", "products")).toEqual(["products", "processes"]);
});

test("growth and memory say how far they go and where the report is written", () => {
	expect(
		readOptions(["growth", "orders", "--most", "10000", "--out", "/tmp/bench"], repository),
	).toMatchObject({
		special: "growth",
		growth: { curves: ["orders"], most: 10_000, directory: repository, results: "/tmp/bench" },
	});
	expect(readOptions(["memory"], repository)).toMatchObject({ minutes: 30, directory: repository });
	expect(readOptions(["memory", "--minutes", "2"], repository)).toMatchObject({
		special: "memory",
		minutes: 2,
	});
});

test.each([
	[["orders"], /unknown case "orders": use one of order, hot/],
	[["--shape", "two"], /--shape must be one, five or both/],
	[["--rounds", "0"], /--rounds must be a whole number from 1 to 50/],
	[["--seconds", "1.5"], /--seconds must be a whole number/],
	[["--shop", "/nowhere"], /not a checkout of Toko/],
	[["--store", "nedb"], /--store is only for costs/],
	[["costs", "order"], /costs takes no further arguments/],
	[["--fast"], /Unknown option '--fast'/],
])("%j is refused with one line", (args, message) => {
	expect(() => readOptions(args, repository)).toThrow(message);
	expect(() => readOptions(args, repository)).toThrow(/^[^\n]*$/);
});
