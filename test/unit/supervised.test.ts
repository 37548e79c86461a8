import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, expect, test } from "@jest/globals";
import { childEnvironment } from "../../config/settings.ts";
import { eachLine, endProcess, startProgram } from "../../processes/child.ts";
import { type Backoff, type Exit, Supervised } from "../../processes/supervised.ts";
import { until } from "../../tools/shop-process.ts";

const SHORT: Backoff = { first_ms: 1, longest_ms: 4, settled_ms: 60_000 };
const spawned: ChildProcess[] = [];

afterEach(() => {
	for (const child of spawned.splice(0)) {
		child.kill("SIGKILL");
	}
});

/** Starts a program of one line, which prints what it is told to. */
function start(program: string, hear: (line: string) => void = () => undefined): ChildProcess {
	const child = startProgram(["--input-type=module", "--eval", program], childEnvironment());
	eachLine(child, hear);
	spawned.push(child);
	return child;
}

const IDLE = 'console.log("up"); setInterval(() => {}, 1000)';
const STUBBORN = `process.on("SIGTERM", () => console.log("asked")); ${IDLE}`;

test("a process that exits is started again, after pauses that double up to the longest", async () => {
	const exits: Exit[] = [];
	const supervised = new Supervised(
		() => start("process.exit(3)"),
		SHORT,
		(exit) => exits.push(exit),
	);
	supervised.start();
	await until("four exits", () => exits.length >= 4);
	await supervised.stop(1000);
	expect(exits.slice(0, 4)).toEqual(
		[2, 4, 4, 4].map((pause_ms) => ({ how: "exit 3", hasStarted: true, pause_ms })),
	);
});

test("the pause after a process that was up for long is the first one", async () => {
	const exits: Exit[] = [];
	const supervised = new Supervised(
		() => start("process.exit()"),
		{ ...SHORT, settled_ms: -1 },
		(exit) => exits.push(exit),
	);
	supervised.start();
	await until("an exit", () => exits.length > 0);
	await supervised.stop(1000);
	expect(exits[0]).toEqual({ how: "exit 0", hasStarted: true, pause_ms: 1 });
});

test.each([
	["that the system refuses", () => spawn("/nonexistent/program"), /ENOENT/],
	[
		"that throws",
		() => {
			throw new Error("spawn EMFILE");
		},
		/EMFILE/,
	],
])("a start %s is told with its reason, and tried again", async (_, spawnNothing, reason) => {
	const exits: Exit[] = [];
	let lines = 0;
	const supervised = new Supervised(
		() => (exits.length < 2 ? spawnNothing() : start(IDLE, () => lines++)),
		SHORT,
		(exit) => exits.push(exit),
	);
	supervised.start();
	expect(supervised.child?.pid).toBeUndefined();
	await until("a start that succeeds", () => lines > 0);
	expect(exits).toEqual(
		[2, 4].map((pause_ms) => ({ how: expect.stringMatching(reason), hasStarted: false, pause_ms })),
	);
	await supervised.stop(1000);
});

test("a process that was replaced or released is not started again", async () => {
	const exits: Exit[] = [];
	const supervised = new Supervised(
		() => start(IDLE),
		SHORT,
		(exit) => exits.push(exit),
	);
	supervised.start();
	const [first] = spawned as [ChildProcess];
	supervised.start();
	const second = supervised.release() as ChildProcess;
	for (const child of [first, second]) {
		child.kill("SIGKILL");
		await once(child, "close");
	}
	expect({ exits, spawned: spawned.length, child: supervised.child }).toEqual({
		...{ exits: [], spawned: 2, child: undefined },
	});
});

test("a stopped process is asked first, killed after the time, and never started again", async () => {
	const lines: string[] = [];
	const supervised = new Supervised(
		() => start(STUBBORN, (line) => lines.push(line)),
		SHORT,
		() => undefined,
	);
	supervised.start();
	await until("the process to be up", () => lines.includes("up"));
	const { child } = supervised;
	await supervised.stop(5000);
	expect(child).toMatchObject({ signalCode: "SIGKILL" });
	expect(lines).toEqual(["up", "asked"]);
	supervised.start();
	expect(spawned).toHaveLength(1);
});

const CHILD = JSON.stringify(new URL("../../processes/child.ts", import.meta.url));
const NOTICE = "onDisconnect(() => process.exit(7)); setInterval(() => {}, 1000);";

test.each([
	["runs", `${NOTICE} console.log("up")`],
	[
		"loads",
		`const gone = new Promise((done) => process.once("disconnect", done)); console.log("up"); await gone; ${NOTICE}`,
	],
])("a program that %s notices the death of the process that has started it", async (_, program) => {
	let isUp = false;
	const child = start(`import { onDisconnect } from ${CHILD}; ${program}`, () => {
		isUp = true;
	});
	await until("the program to be up", () => isUp);
	// As when this process dies: its end of the channel closes.
	child.disconnect();
	expect(await once(child, "exit")).toEqual([7, null]);
});

test("a process that is stopped by closing its channel has ended when it is reported so", async () => {
	let isUp = false;
	const onUp = () => {
		isUp = true;
	};
	const child = start('process.once("disconnect", () => process.exit()); console.log("up")', onUp);
	await until("the program to be up", () => isUp);
	await endProcess(child, 60_000, () => child.disconnect());
	expect(child).toMatchObject({ exitCode: 0, signalCode: null });
});
