import { expect, test } from "@jest/globals";
import { batched } from "../../load/batching.ts";

/** Returns work whose batches the test completes one by one. */
function held(options: { max?: number; concurrency?: number } = {}) {
	const batches: {
		items: readonly number[];
		finish(results?: (number | Error)[]): void;
		fail(error: Error): void;
	}[] = [];
	const call = batched<number, number>(
		(items) =>
			new Promise((resolve, reject) => {
				batches.push({
					items,
					finish: (results = items.map((item) => item * 2)) => resolve(results),
					fail: reject,
				});
			}),
		options,
	);
	return { batches, call };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("a single call is processed at once, and calls during it make up the next batch", async () => {
	const { batches, call } = held();
	const first = call(1);
	await turn();
	const others = [call(2), call(3)];
	await turn();
	others.push(call(4));
	await turn();
	expect(batches.map(({ items }) => items)).toEqual([[1]]);
	batches[0]?.finish();
	expect(await first).toBe(2);
	await turn();
	expect(batches.map(({ items }) => items)).toEqual([[1], [2, 3, 4]]);
	batches[1]?.finish();
	expect(await Promise.all(others)).toEqual([4, 6, 8]);
});

test("simultaneous calls share a batch, even for the same item; a batch holds at most `max` of them", async () => {
	const { batches, call } = held({ max: 3 });
	const calls = [1, 1, 2, 3, 4].map(call);
	await turn();
	expect(batches.map(({ items }) => items)).toEqual([[1, 1, 2]]);
	batches[0]?.finish();
	await turn();
	expect(batches[1]?.items).toEqual([3, 4]);
	batches[1]?.finish();
	expect(await Promise.all(calls)).toEqual([2, 2, 4, 6, 8]);
});

test("at most `concurrency` batches run at the same time", async () => {
	const { batches, call } = held({ concurrency: 2 });
	const calls = [call(1)];
	await turn();
	calls.push(call(2));
	await turn();
	calls.push(call(3));
	await turn();
	expect(batches.map(({ items }) => items)).toEqual([[1], [2]]);
	batches[1]?.finish();
	await turn();
	expect(batches[2]?.items).toEqual([3]);
	batches[0]?.finish();
	batches[2]?.finish();
	expect(await Promise.all(calls)).toEqual([2, 4, 6]);
});

test("an item fails alone, a batch that throws fails as a whole, and the next ones continue", async () => {
	const { batches, call } = held();
	const [good, bad] = [call(1), call(2)];
	await turn();
	const caught = expect(bad).rejects.toThrow("two");
	batches[0]?.finish([2, new Error("two")]);
	expect(await good).toBe(2);
	await caught;
	const thrown = [call(3), call(4)].map((each) => expect(each).rejects.toThrow("all"));
	await turn();
	batches[1]?.fail(new Error("all"));
	await Promise.all(thrown);
	const next = call(5);
	await turn();
	batches[2]?.finish();
	expect(await next).toBe(10);
});
