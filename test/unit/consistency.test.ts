import { EventEmitter, once } from "node:events";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Service } from "moleculer";
import { ConsistencyChecker } from "../../events/consistency.ts";

/** A source whose responses the test provides. */
class Source extends EventEmitter {
	asked: PromiseWithResolvers<string | undefined>[] = [];
	source = "a source";
	isAvailable = () => true;
	findAhead = () => {
		const answer = Promise.withResolvers<string | undefined>();
		this.asked.push(answer);
		this.emit("asked", answer);
		return answer.promise;
	};

	async next(): Promise<PromiseWithResolvers<string | undefined>> {
		const [answer] = await once(this, "asked");
		return answer;
	}
}

let source: Source;
let checker: ConsistencyChecker;
let isSettled: boolean;

const ignore = () => undefined;

beforeEach(() => {
	source = new Source();
	const broker = { localBus: new EventEmitter() };
	const service = { name: "orders", broker, logger: { info: ignore, warn: ignore, error: ignore } };
	checker = new ConsistencyChecker(service as unknown as Service, [source]);
	checker.start();
});

afterEach(async () => {
	for (const { resolve } of source.asked) {
		resolve(undefined);
	}
	await checker.stop();
});

/** Starts a call that is expected to wait. */
function check(): Promise<void> {
	isSettled = false;
	const checked = checker.check();
	void checked.catch(ignore).finally(() => {
		isSettled = true;
	});
	return checked;
}

/** Runs all callbacks that are ready. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

test("a call waits for a source that was never asked", async () => {
	const checked = check();
	await turn();
	expect(isSettled).toBe(false);
	source.asked[0]?.resolve(undefined);
	await checked;
});

test("calls go on while a source that gave no answer is asked again, until it tells that the data are older", async () => {
	source.asked[0]?.reject(new Error("away"));
	await check();
	const again = await source.next();
	await check();
	again.resolve("orders was restored from an older copy");
	await turn();
	await expect(check()).rejects.toMatchObject({ type: "DATA_BEHIND" });
});

test("a call waits again for a source that gave no answer after the store was reconnected", async () => {
	source.asked[0]?.reject(new Error("away"));
	await check();
	const again = await source.next();
	checker.compareAll();
	const checked = check();
	await turn();
	expect(isSettled).toBe(false);
	again.resolve("orders was restored from an older copy");
	await expect(checked).rejects.toMatchObject({ type: "DATA_BEHIND" });
});
