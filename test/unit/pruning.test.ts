import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { PRUNE_EVERY_MS } from "../../config/retention.ts";
import { type Prune, pruning } from "../../mixins/pruning.ts";

let broker: ServiceBroker;
let prune: jest.Mock<Prune>;
let after: jest.Mock<Prune>;

beforeEach(() => {
	jest.useFakeTimers();
	jest.spyOn(Math, "random").mockReturnValue(0.5);
	prune = jest.fn<Prune>(async () => false);
	after = jest.fn<Prune>(async () => false);
	broker = new ServiceBroker({ logger: false });
	broker.createService({ name: "shelves", mixins: [pruning(prune, after) as never] });
});

afterEach(async () => {
	jest.useRealTimers();
	jest.restoreAllMocks();
	await broker.stop();
});

/** Advances the simulated clock for the timers that a broker awaits when it starts or stops. */
async function inFakeTime(work: Promise<void>): Promise<void> {
	await jest.advanceTimersByTimeAsync(100);
	await work;
}

test("a service prunes at a random moment of its first hour, and then once an hour", async () => {
	await inFakeTime(broker.start());
	await jest.advanceTimersByTimeAsync(PRUNE_EVERY_MS / 2 - 1000);
	expect(prune).not.toHaveBeenCalled();
	await jest.advanceTimersByTimeAsync(1000);
	expect(prune).toHaveBeenCalledTimes(1);
	await jest.advanceTimersByTimeAsync(PRUNE_EVERY_MS);
	expect(prune).toHaveBeenCalledTimes(2);
	expect(after).toHaveBeenCalledTimes(2);
});

test("a service prunes as long as there is another batch", async () => {
	prune.mockResolvedValueOnce(true).mockResolvedValueOnce(true);
	await inFakeTime(broker.start());
	await jest.advanceTimersByTimeAsync(PRUNE_EVERY_MS / 2);
	expect(prune).toHaveBeenCalledTimes(3);
	expect(after).toHaveBeenCalledTimes(1);
});

test("a service prunes an hour after it failed to", async () => {
	prune.mockRejectedValueOnce(new Error("the database is away"));
	await inFakeTime(broker.start());
	await jest.advanceTimersByTimeAsync(PRUNE_EVERY_MS / 2);
	expect(after).not.toHaveBeenCalled();
	await jest.advanceTimersByTimeAsync(PRUNE_EVERY_MS);
	expect(after).toHaveBeenCalledTimes(1);
});

test("a service that is stopped prunes no more, not even another batch", async () => {
	prune.mockImplementation(async () => {
		await inFakeTime(broker.stop());
		return true;
	});
	await inFakeTime(broker.start());
	await jest.advanceTimersByTimeAsync(PRUNE_EVERY_MS / 2);
	await jest.advanceTimersByTimeAsync(2 * PRUNE_EVERY_MS);
	expect(prune).toHaveBeenCalledTimes(1);
	expect(after).not.toHaveBeenCalled();
});
